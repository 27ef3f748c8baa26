// What both relay loops decide alike about their sessions: when to accept, how to connect, what
// follows from an end, an error or a refusal, and what is counted. The loops differ in how they
// learn what happened to a socket, in how a flow moves its bytes, and in when a socket may be
// closed. Those are virtual calls, of which there is none for each call that moves bytes.
//
// A reset is passed on as a reset. Closing the other side in the ordinary way would turn a broken
// transfer into one that looks complete.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "counters/clock.h"
#include "counters/sys_fd.h"
#include "forward/forwarder.h"
#include "forward/session_socket.h"

namespace splicebench::relay {

// The two sides of a session. A flow is known by the side that it reads from: [kUpstream] is the
// download, and the even one of a session's two flow numbers is its.
enum Side : uint8_t { kUpstream = 0, kClient = 1 };
inline constexpr std::array<Side, 2> kSides = {kUpstream, kClient};
constexpr Side other(Side side) {
  return side == kUpstream ? kClient : kUpstream;
}
constexpr uint32_t flow_number(uint32_t session, Side from) {
  return session * 2 + from;
}

struct SessionSocket {
  SysFd fd;
  int error = 0;        // taken from the socket already
  bool failed = false;  // an error was reported; whoever reads or writes next will meet it
};

// What the core keeps of a session. A loop derives its own from it, and adds
//   bool ended(Side) const   whether all that came from a side was delivered,
//   void end(Side)           notes that it was,
//   void clear()             makes what the loop added ready for the next session.
template <typename Socket, typename FlowOfLoop>
struct SessionOf {
  using Flow = FlowOfLoop;
  enum State : uint8_t {
    kFree,
    kConnecting,
    kOpen,
    kClosing,    // over, but its sockets may not be closed yet
    kLingering,  // its sockets are closed, but its flows may not be freed yet
  };
  std::array<Socket, 2> sockets;               // by Side
  std::array<std::unique_ptr<Flow>, 2> flows;  // by the side they read from
  State state = kFree;
  bool queued = false;  // it is in the queue of those that have something to do
};

template <typename Session>
class SessionCore {
 public:
  SessionCore(const SessionCore&) = delete;
  SessionCore& operator=(const SessionCore&) = delete;

 protected:
  using Flow = typename Session::Flow;

  explicit SessionCore(ForwarderContext& context) : context_(context), sys_(context.sys) {}
  ~SessionCore() = default;
  // Leaves no session, however the loop ended, by a stop or by an exception. Called by the loop's
  // destructor, since its flows may use what it owns.
  void release_all() {
    for (Session& session : sessions_) {
      session.flows = {};
      close_sockets(session, /*reset=*/true);
    }
    context_.stats.open.set(0);
  }

  // Has the loop hear of clients, or not; it may be so already. False = it could not be done.
  virtual bool watch_listener(bool wanted) = 0;
  // The flow from one side of a session, whose sockets it has. `number` is the recorder's.
  virtual std::unique_ptr<Flow> open_flow(uint32_t index, Side from, uint32_t number,
                                          Counter& delivered) = 0;
  // Has the loop hear of a socket. 0 or a negative errno.
  virtual int watch_socket(uint32_t index, Side side) = 0;
  // Ends a session, which is connecting or open: now, or when that may be.
  virtual void close_session(uint32_t index, bool reset) = 0;
  // Descriptors or memory have run out: gives back what is kept only for speed.
  virtual void release_spare() = 0;

  bool goes_on() const { return !context_.stop.load(std::memory_order_relaxed) && !finished_once_; }

  // How long to wait for events, ms; -1 = until one comes. `due_ns`: when the loop has something of
  // its own to do.
  int patience(uint64_t due_ns = UINT64_MAX) const {
    if (!queue_.empty()) return 0;
    if (starved_) due_ns = std::min(due_ns, retry_ns_);
    return due_ns == UINT64_MAX ? -1 : ms_until(due_ns);
  }

  void start_accepting() {
    starved_ = !watch_listener(true);
    if (starved_) retry_ns_ = monotonic_ns() + kStarvedNs;
  }

  // To be called at every turn, and not only when nothing happens: other sessions can keep this
  // thread busy for ever.
  void accept_when_due() {
    if (starved_ && monotonic_ns() >= retry_ns_) start_accepting();
  }

  // Clients are there.
  void accept_sessions() {
    for (int i = 0; i < kAcceptsAtOnce; ++i) {
      if (context_.options.once && context_.stats.accepted.get() != 0) {
        watch_listener(false);
        return;
      }
      // The upstream's socket comes first: a client is taken only when it can be served, and waits
      // in the backlog otherwise.
      if (!reserve_) reserve_ = SysFd(sys_, sys_.socket(context_.options.upstream.family()));
      make_place();
      sockaddr_storage peer;
      const int fd = reserve_ ? sys_.accept(context_.listener, &peer) : reserve_.get();
      if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) return starve(-fd);
      if (fd < 0) break;
      context_.stats.accepted.add(1);
      open_session(SysFd(sys_, fd), port_of(peer));
    }
    watch_listener(true);
  }

  // The upstream's socket can be written, or is broken. False = the session was refused.
  bool finish_connect(uint32_t index) {
    Session& session = sessions_[index];
    const int error = pending_error(sys_, session.sockets[kUpstream].fd.get());
    if (error != 0) {
      refuse_session(index, error);
      return false;
    }
    session.state = Session::kOpen;
    return true;
  }

  // An error was reported at a socket. Normally whoever reads from it meets it; where its stream
  // has ended, or has nowhere to go yet, nobody reads. False = the session failed of it.
  bool survives_error(uint32_t index, Side side) {
    Session& session = sessions_[index];
    session.sockets[side].failed = true;
    if (!session.ended(side) && session.state != Session::kConnecting) return true;
    fail_session(index, error_of(session.sockets[side]));
    return false;
  }

  // All that came from a side was delivered: the other side is told that this was the end. False =
  // the session failed, of a reset right behind the end of the stream: no event will tell of it
  // again.
  bool pass_end(uint32_t index, Side from) {
    Session& session = sessions_[index];
    sys_.shutdown(session.sockets[other(from)].fd.get(), SHUT_WR);
    session.end(from);
    if (!session.sockets[from].failed) return true;
    fail_session(index, error_of(session.sockets[from]));
    return false;
  }

  void close_if_ended(uint32_t index) {
    const Session& session = sessions_[index];
    if (session.ended(kUpstream) && session.ended(kClient)) close_session(index, /*reset=*/false);
  }

  // The upstream cannot be reached. The client is reset: an orderly end would say "empty".
  void refuse_session(uint32_t index, int error) {
    context_.stats.connect_failures.add(1);
    context_.stats.last_errno.set(static_cast<uint64_t>(error));
    close_session(index, /*reset=*/true);
  }

  void fail_session(uint32_t index, int error) {
    context_.stats.resets.add(1);
    context_.stats.last_errno.set(static_cast<uint64_t>(error));
    close_session(index, /*reset=*/true);
  }

  void close_sockets(Session& session, bool reset) {
    for (SessionSocket& socket : session.sockets) {
      if (socket.fd) close_socket(sys_, socket.fd, reset);
    }
  }

  // The sockets of a session are closed. There are descriptors again.
  void note_closed() {
    context_.stats.open.set(context_.stats.open.get() - 1);
    if (context_.options.once) finished_once_ = true;
    if (starved_) start_accepting();
  }

  // Nothing is left of a session: the next one may have its place.
  void free_place(uint32_t index) {
    Session& session = sessions_[index];
    session.flows = {};
    session.sockets = {};
    session.clear();
    session.state = Session::kFree;
    free_.push_back(index);
  }

  // Asking a socket takes its error away: what was taken is kept.
  int error_of(const SessionSocket& socket) {
    return socket.error != 0 ? socket.error : pending_error(sys_, socket.fd.get());
  }

  void enqueue(uint32_t index) {
    if (sessions_[index].queued) return;
    sessions_[index].queued = true;
    queue_.push_back(index);
  }

  // Serves the sessions that have something to do; what they ask for meanwhile is the next turn's.
  template <typename Serve>
  void take_turns(Serve serve) {
    turn_.swap(queue_);
    for (const uint32_t index : turn_) {
      sessions_[index].queued = false;
      if (sessions_[index].state == Session::kOpen) serve(index);
    }
    turn_.clear();
  }

  ForwarderContext& context_;
  Sys& sys_;
  std::vector<Session> sessions_;

 private:
  static constexpr int kAcceptsAtOnce = 64;
  // Between attempts to accept where descriptors ran out, unless a session ends before.
  static constexpr uint64_t kStarvedNs = 50'000'000;

  // Waits until a session has ended, or someone else has given back what is missing. Meanwhile the
  // listener would keep waking us.
  void starve(int error) {
    context_.stats.last_errno.set(static_cast<uint64_t>(error));
    release_spare();
    starved_ = true;
    retry_ns_ = monotonic_ns() + kStarvedNs;
    watch_listener(false);
  }

  // Comes before a client is taken, for memory may be short: who was taken has a place. Nor does
  // giving the place back need memory.
  void make_place() {
    if (!free_.empty()) return;
    sessions_.emplace_back();
    free_.reserve(sessions_.capacity());
    free_.push_back(static_cast<uint32_t>(sessions_.size() - 1));
  }

  void open_session(SysFd client, uint16_t client_port) {
    const uint32_t index = free_.back();
    free_.pop_back();
    Session& session = sessions_[index];
    session.state = Session::kConnecting;
    session.sockets[kClient].fd = std::move(client);
    session.sockets[kUpstream].fd = std::move(reserve_);
    context_.stats.open.add(1);
    const int fd = session.sockets[kUpstream].fd.get();
    send_at_once(sys_, session.sockets[kClient].fd.get());
    send_at_once(sys_, fd);
    const Address& upstream = context_.options.upstream;
    const int result =
        sys_.connect(fd, reinterpret_cast<const sockaddr*>(&upstream.storage), upstream.size);
    if (result < 0 && result != -EINPROGRESS) return refuse_session(index, -result);
    const uint32_t serial = serial_++;
    sys_.recorder().note_session(serial, client_port);
    for (const Side from : kSides) {
      Counter& delivered = from == kUpstream ? context_.stats.down_bytes : context_.stats.up_bytes;
      session.flows[from] = open_flow(index, from, flow_number(serial, from), delivered);
    }
    for (const Side side : kSides) {
      const int watched = watch_socket(index, side);
      if (watched < 0) return refuse_session(index, -watched);
    }
  }

  SysFd reserve_;          // the next session's upstream socket
  uint32_t serial_ = 0;    // of the next session: its place in sessions_ is used again
  bool starved_ = false;   // descriptors or memory ran out: nobody is accepted
  uint64_t retry_ns_ = 0;  // when to look whether they are back, if no session ends before
  bool finished_once_ = false;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> queue_;  // sessions with something to do
  std::vector<uint32_t> turn_;   // those being served; swapped, so that neither allocates
};

}  // namespace splicebench::relay
