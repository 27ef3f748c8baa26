// The loop of an endpoint: one thread, one epoll, all connections. In three files: what wakes it
// (endpoint_loop.cc), how connections come and go (endpoint_connections.cc), and how their bytes
// move (endpoint_streams.cc).
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "endpoint/endpoint.h"
#include "endpoint/pacer.h"
#include "endpoint/parts.h"
#include "posix/fd.h"
#include "stream/stamp.h"

namespace splicebench {

struct Endpoint::Loop {
  // Of the events; a connection has its index, an arm's listener this and the arm's.
  static constexpr uint64_t kListenerTag = uint64_t{1} << 32;

  struct Connection {
    Fd fd;
    std::unique_ptr<Sender> sender;
    std::unique_ptr<ProxyHeader> prefix;  // that has not come yet
    Receiver* receiver = nullptr;         // owned by Endpoint::receivers_
    uint64_t waiting = 0;                 // bytes in the socket while receiving is held
    bool connecting = false;
    bool readable = false;
    bool writable = false;
    bool send_done = false;  // everything sent and, if this end sends, the end of stream too
    bool receive_done = false;
    bool queued = false;
    bool awaits_send = false;  // is in the waiting list of its pacer
    bool awaits_receive = false;
    uint64_t pause_at = UINT64_MAX;  // offset before which nothing is to be read, for a while
    bool pausing = false;
    uint64_t incidents = 0;    // as counted in the stats
    uint64_t messages = 0;     // begun, where each has its own size
    uint64_t message_end = 0;  // of the one under way
    bool urgent_sent = false;
  };

  explicit Loop(Endpoint& owner);
  void run();

  // What wakes it: events, commands, credit.
  void wait_for_events();
  void take_command();  // go() and stop() concern every connection
  void watch(int fd, uint32_t events, uint64_t tag);
  void enqueue(uint32_t index);
  void visit_queued();
  bool idle() const { return queue.empty() && visited == turn.size(); }
  // Wakes the loop when whoever waits for credit may go on.
  void await_credit();
  void await_turn(Pacer& pacer, bool Connection::*waits, uint32_t index);
  // A piece for each of those who wait, as long as there is credit.
  void grant(Pacer& pacer, bool Connection::*waits, bool (Loop::*move)(uint32_t, uint64_t));
  // Lets those read on whose pause is over.
  void end_pauses();
  void sample();
  // The turns of the arms.
  void begin_slice();
  void end_slice();
  bool may_send(uint32_t index) const { return e.go_ || arm_of(index) == active; }
  void end_arm(uint32_t arm);

  // How connections come and go. Those of an arm have the indices from arm * options.connections
  // on.
  uint32_t number_of(uint32_t index) const { return options.first_connection + index; }
  uint32_t arm_of(uint32_t index) const { return index / options.connections; }
  bool all_opened(uint32_t arm) const { return opened[arm] == options.connections; }
  uint32_t next_index(uint32_t arm) { return arm * options.connections + opened[arm]++; }
  void accept_more(uint32_t arm);
  void listen_again();
  void connect_more();
  void connect_more(uint32_t arm);
  void give_up(uint32_t index, int error);
  void open(uint32_t index, Fd fd, bool connecting);
  void count_established(uint32_t index);
  // False when the prefix has not come yet, or the connection has ended.
  bool take_prefix(uint32_t index);
  void take_event(uint32_t index, uint32_t events);
  void end(uint32_t index, int error);
  // Connections that never came, or were not opened yet, are failures, not something to wait for.
  void abandon_rest();
  void abandon_rest(uint32_t arm);

  // How their bytes move.
  void service(uint32_t index);
  // At most `allowed` bytes. False when the connection has ended.
  bool receive(uint32_t index, uint64_t allowed);
  // Bytes that may be read before the next pause; 0 = there is one now.
  uint64_t to_pause(uint32_t index);
  void count_received(uint32_t index, uint64_t size);
  void count_incidents(uint32_t index);
  // Edge-triggered, each arrival comes by here, so the last count is the right one.
  void count_waiting(Connection& c);
  // At most `allowed` bytes, or a message. False when the connection has ended.
  bool send(uint32_t index, uint64_t allowed);
  // Bytes of the message under way that are left.
  uint64_t to_boundary(uint32_t index, uint64_t sent);
  // False when the socket had no room for it: it is tried again with the next bytes.
  static bool send_urgent(int fd);
  void overwrite_all();

  Endpoint& e;
  const EndpointOptions& options;
  EndpointParts parts;
  uint64_t limit;    // bytes to send per connection
  uint64_t budget;   // bytes per visit and direction
  StampKey sizes;    // decides those of messages
  bool takes_turns;  // a visit sends one message
  Pacer sending;
  Pacer receiving;
  Fd epoll;
  Fd timer;
  Fd pace_timer;
  std::vector<Connection> connections;
  uint32_t arms;
  std::vector<uint32_t> opened;  // of each arm
  uint32_t in_progress = 0;
  static constexpr uint32_t kNoArm = UINT32_MAX;
  uint32_t active = kNoArm;  // whose slice it is, at an end that sends
  uint64_t slice_end_ns = 0;
  Fd slice_timer;
  struct Pause {
    uint64_t until_ns;
    uint32_t index;
  };
  std::deque<Pause> pauses;  // all of one length: in the order of their ends
  std::vector<bool>
      starved;  // no descriptor for the arm's next connection; its listener is not watched
  // Connections to be visited: those of `turn` from `visited` on, then those of `queue`.
  std::vector<uint32_t> queue;
  std::vector<uint32_t> turn;
  size_t visited = 0;
};

}  // namespace splicebench
