// An endpoint: one end of the streams of a trial. A source is an endpoint that sends, a sink one
// that receives; with both directions each is both. It listens or connects, and runs one epoll
// loop.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "counters/counter.h"
#include "endpoint/proxy_header.h"
#include "endpoint/receiver.h"
#include "endpoint/sender.h"
#include "endpoint/slices.h"
#include "posix/socket.h"

namespace splicebench {

// kGiven: by senders that whoever starts the endpoint makes.
enum class SendMode : uint8_t { kNone, kContent, kBuffer, kPrepared, kFile, kGiven };
enum class ReceiveMode : uint8_t { kNone, kCheck, kBuffer, kDiscard, kOutput };
enum class ContentKind : uint8_t { kStamped, kZero, kFile };

inline constexpr uint64_t kPrologue = 64;  // bytes sent while held, unless told otherwise

// One of several forwarders that take turns: where its connections are, and how their bytes are
// made and taken. All arms of an endpoint send, or none; likewise for receiving.
struct ArmOptions {
  Address address;
  SendMode send = SendMode::kNone;
  ReceiveMode receive = ReceiveMode::kNone;
  PageKind pages = PageKind::kDefault;  // of kPrepared
};

struct EndpointOptions {
  bool listen = false;
  Address address;
  // Of several forwarders that take turns, `connections` for each; those of an arm with port 0 to
  // connect to are given up at once. Empty = one, with `address`, `send`, `receive` and `pages`.
  std::vector<ArmOptions> arms;
  // What each accepted connection must begin with; it is no part of the stream, and nothing is sent
  // before it has come.
  Prefix prefix = Prefix::kNone;
  uint32_t connections = 1;  // a listener takes this many and then no more
  // Number of the first one in the stamps, where other endpoints with the same seed have those
  // before it; 2^14 is beyond the last.
  uint32_t first_connection = 0;
  BufferSizes buffers;
  bool nodelay = false;
  // The loop does not preempt whoever runs on its CPU when it is woken (SCHED_BATCH).
  bool batch = false;

  ContentKind content = ContentKind::kStamped;
  std::string file;
  uint64_t seed = 0;
  std::vector<uint64_t> earlier_seeds;

  SendMode send = SendMode::kNone;
  PageKind pages = PageKind::kDefault;  // of kPrepared
  Direction send_direction = Direction::kDown;
  uint64_t bytes = UINT64_MAX;  // per connection; UINT64_MAX = until stop
  // Bytes per send, and the connections take turns message by message; 0 = a whole buffer.
  size_t message = 0;
  // Where larger than `message`: each message has its own size between the two, which the seed
  // decides.
  size_t message_most = 0;
  // Stream offset behind which one urgent byte is sent, which is no part of the stream; UINT64_MAX
  // = none.
  uint64_t urgent_at = UINT64_MAX;
  // Bytes per second in total over all connections, from go() on and until stop(); 0 = no limit.
  uint64_t send_rate = 0;
  uint64_t receive_rate = 0;
  // Send only the first bytes of each stream until go(): proves every path end to end before the
  // clock starts.
  bool hold = false;
  uint64_t prologue = kPrologue;  // how many
  SenderMaker make_sender;        // of kGiven

  ReceiveMode receive = ReceiveMode::kNone;
  Direction receive_direction = Direction::kDown;
  int output = -1;
  size_t stored_incidents = 1000;
  // Read only the first bytes of each stream until go(): the rest waits in the socket.
  bool hold_receive = false;
  // Each connection reads nothing for pause_ns once it has taken exactly so many bytes of its
  // stream, and again every pause_every bytes further on; until stop(). UINT64_MAX = never, 0 =
  // only once.
  uint64_t pause_at = UINT64_MAX;
  uint64_t pause_every = 0;
  uint64_t pause_ns = 0;
};

// Written by the loop, read by any thread.
struct EndpointStats {
  Counter established;      // with their prefix, where they must have one
  Counter awaiting_prefix;  // connections that are up, and whose prefix has not come
  Counter started;          // connections that received their first byte
  Counter ended;            // connections closed, in whatever way
  Counter failed;           // of those, not by an orderly end of both directions
  Counter last_errno;
  Counter sent;
  Counter received;
  Counter incidents;      // found so far
  Counter waiting;        // bytes in the sockets of a receiver that is held
  Counter pauses;         // begun in mid-stream, of all connections
  Counter overwritten;    // bytes that the senders wrote over
  Counter first_byte_ns;  // received; 0 = none yet
  Counter last_byte_ns;
};

struct SeriesSample {
  uint64_t time_ns;
  uint64_t received;
  uint64_t sent;
};

// What became of one connection, once it has ended.
struct ConnectionResult {
  uint32_t connection;  // as stamped: adopted from the stream when receiving many
  uint64_t sent = 0;
  uint64_t received = 0;
  bool orderly = false;  // received an end of stream, and its own was sent
  int error = 0;         // errno when not orderly
  uint16_t port = 0;     // where this end connected from; 0 when it listened
  uint32_t mss = 0;      // bytes that a segment from the other end may hold; 0 = unknown
};

class Endpoint {
 public:
  // Opens the listener, or checks that it can connect later. Throws SystemError.
  explicit Endpoint(EndpointOptions options);
  ~Endpoint();

  // The loop; returns when every connection has ended, or stop_now() was called. Runs on a thread
  // of its own; called once. Throws SystemError or std::runtime_error when it cannot start.
  void run();

  // From any thread.
  void go();         // lifts `hold` and `hold_receive`
  void overwrite();  // senders that can: write over what they have handed over
  void stop();  // ends every stream in the orderly way; receiving goes on to the end, at any rate
  void stop_now();  // closes everything
  // Only this arm's connections send, for the order's times; of an endpoint that is held.
  void begin_slice(const SliceOrder& order);
  // Closes what an arm has; the others go on.
  void end_arm(uint32_t arm);
  Slices& slices() { return slices_; }
  const EndpointStats& stats() const { return stats_; }
  Address address() const { return addresses_.front(); }
  // Of each arm.
  const std::vector<Address>& addresses() const { return addresses_; }
  std::vector<SeriesSample> series() const;

  // After run() has returned.
  const std::vector<ConnectionResult>& results() const { return results_; }
  // Of each arm the pages that it sent; none where it sent no prepared ones.
  const std::vector<std::optional<PageFacts>>& pages() const { return pages_; }
  // The checkers of the receiving connections, in the order of results(); null entries without one.
  const std::vector<std::unique_ptr<Receiver>>& receivers() const { return receivers_; }

 private:
  struct Loop;
  EndpointOptions options_;  // with at least one arm
  std::vector<Address> addresses_;
  Slices slices_;
  std::vector<Fd> listeners_;
  Fd wake_;
  EndpointStats stats_;
  std::atomic<bool> go_;
  std::atomic<bool> overwrite_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> stop_now_{false};
  std::unique_ptr<std::atomic<bool>[]> unwanted_;  // arms to be closed
  mutable std::mutex series_mutex_;
  std::vector<SeriesSample> series_;
  std::vector<ConnectionResult> results_;
  std::vector<std::optional<PageFacts>> pages_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
};

}  // namespace splicebench
