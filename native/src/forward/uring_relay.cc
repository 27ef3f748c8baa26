// Each socket is watched by one edge-triggered poll for as long as its session lasts. It tells when
// a connect is done, when a full output takes bytes again, and when a connection breaks while
// nobody reads from it. Sends are never left to wait in the kernel: such a send polls on its own
// account, and is woken without end when the other direction has been half-closed.
//
// A socket is closed only when nothing is under way on it: an operation keeps the connection open,
// and its memory in use, beyond the close. So whatever is under way is cancelled and waited for,
// and a session's number is not used again before. That is why completions need no generation.

#include "forward/uring_relay.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "counters/clock.h"
#include "forward/session_socket.h"
#include "posix/error.h"

namespace splicebench {

using uring::Cqe;
using uring::Ring;
using uring::Sqe;

namespace {

constexpr int kAcceptsAtOnce = 64;
constexpr int kStarvedMs = 50;  // between attempts to accept when descriptors have run out
constexpr uint64_t kMostToEndNs = 3'000'000'000;  // for what is under way at the end
constexpr uint32_t kWatchedAlways = POLLOUT | POLLERR | POLLHUP;
constexpr uint32_t kWatchedInput = POLLIN | POLLRDHUP;

// A flow is known by the side that it reads from: session * 2 + side.
enum Side : uint8_t { kUpstream = 0, kClient = 1 };

struct Socket {
  int fd = -1;
  bool watched = false;  // its poll is under way
  bool failed = false;   // an error was reported; whoever reads or writes next will meet it
};

struct Session {
  enum State : uint8_t { kFree, kConnecting, kOpen, kClosing, kLingering };
  std::array<Socket, 2> sockets;                    // by Side
  std::array<std::unique_ptr<UringFlow>, 2> flows;  // by Side
  std::array<bool, 2> ended{};                      // by Side: that direction is done
  State state = kFree;
  bool reset = false;   // close with a reset
  bool queued = false;  // to be advanced
};

}  // namespace

class UringRelay {
 public:
  UringRelay(ForwarderContext& context, Ring& ring, UringMechanism& mechanism)
      : context_(context), sys_(context.sys), ring_(ring), port_(ring), mechanism_(mechanism) {}

  void run() {
    poll_once(context_.wake, kWake);
    poll_once(context_.listener, kListener);
    while (!context_.stop.load(std::memory_order_relaxed) && !finished_once_) {
      turn(!queue_.empty() ? 0 : starved_ ? kStarvedMs : -1);
    }
    end();
  }

 private:
  void turn(int timeout_ms) {
    mechanism_.prepare_to_wait();
    ring_.wait(timeout_ms);
    bool any = false;
    while (const Cqe* next = ring_.peek()) {
      const Cqe cqe = *next;
      ring_.consume();
      any = true;
      take(cqe);
    }
    advance_queue();
    if (!any && starved_) resume_accepting();
  }

  // Everything is cancelled and waited for, the listener's poll too: the ring would keep the
  // listener open beyond its close.
  void end() {
    ending_ = true;
    for (uint32_t i = 0; i < sessions_.size(); ++i) begin_close(i, /*reset=*/true);
    if (listening_) cancel(uring_tag(0, kListener));
    if (waking_) cancel(uring_tag(0, kWake));
    const uint64_t latest = monotonic_ns() + kMostToEndNs;
    while ((listening_ || waking_ || context_.stats.open.get() != 0) && monotonic_ns() < latest) {
      turn(kStarvedMs);
    }
    if (reserve_ >= 0) sys_.close(reserve_);
  }

  void poll_once(int fd, UringKind kind) {
    Sqe& sqe = ring_.next();
    sqe.opcode = uring::kOpPollAdd;
    sqe.fd = fd;
    sqe.op_flags = POLLIN;
    sqe.user_data = uring_tag(0, kind);
    (kind == kListener ? listening_ : waking_) = true;
  }

  void watch(uint32_t index, Side side) {
    Socket& socket = sessions_[index].sockets[side];
    Sqe& sqe = ring_.next();
    sqe.opcode = uring::kOpPollAdd;
    sqe.fd = socket.fd;
    sqe.len = uring::kPollMultishot;
    sqe.op_flags = kWatchedAlways | (mechanism_.watches_input() ? kWatchedInput : 0);
    sqe.user_data = uring_tag(index * 2 + side, kWatch);
    socket.watched = true;
  }

  void cancel(uint64_t tag) {
    Sqe& sqe = ring_.next();
    sqe.opcode = uring::kOpAsyncCancel;
    sqe.fd = -1;
    sqe.addr = tag;
    sqe.user_data = uring_tag(0, kCancel);
  }

  void take(const Cqe& cqe) {
    const auto kind = static_cast<uint8_t>(cqe.user_data);
    const auto id = static_cast<uint32_t>(cqe.user_data >> 8);
    switch (kind) {
      case kListener:
        listening_ = false;
        sys_.completed(Call::kUringPoll, cqe.res);
        if (cqe.res > 0 && !ending_) accept_sessions();
        return;
      case kWake:  // the loop's condition looks at stop
        waking_ = false;
        return;
      case kCancel:
        sys_.completed(Call::kUringCancel, cqe.res);
        return;
      case kWatch:
        sys_.completed(Call::kUringPoll, cqe.res);
        take_event(id / 2, static_cast<Side>(id % 2), cqe);
        return;
      default:
        if (kind < 4) take_completion(id, static_cast<UringOp>(kind), cqe);
    }
  }

  void take_completion(uint32_t id, UringOp op, const Cqe& cqe) {
    Session& session = sessions_[id / 2];
    // A zero-copy send's first completion announces its notification, which comes when it likes.
    const bool notification = cqe.flags & uring::kCqeNotif;
    const bool last = op == UringOp::kReceive ? !(cqe.flags & uring::kCqeMore) : !notification;
    if (last) port_.under_way(id).tags[static_cast<size_t>(op)] = 0;
    const auto number = static_cast<uint32_t>(cqe.user_data >> 40) & (UringPort::kNumbers - 1);
    session.flows[id % 2]->complete(op, {cqe.res, cqe.flags, number});
    if (session.state == Session::kOpen) return enqueue(id / 2);
    settle(id / 2);
  }

  void take_event(uint32_t index, Side side, const Cqe& cqe) {
    Session& session = sessions_[index];
    Socket& socket = session.sockets[side];
    if (!(cqe.flags & uring::kCqeMore)) socket.watched = false;
    if (session.state == Session::kClosing) return settle(index);
    if (session.state != Session::kConnecting && session.state != Session::kOpen) return;
    if (cqe.res < 0) return fail_session(index, -cqe.res);
    const auto events = static_cast<uint32_t>(cqe.res);
    if (!socket.watched) watch(index, side);
    if (session.state == Session::kConnecting && side == kUpstream) {
      if (!(events & (POLLOUT | POLLERR | POLLHUP))) return;
      const int error = pending_error(sys_, socket.fd);
      if (error != 0) return refuse_session(index, error);
      session.state = Session::kOpen;
    }
    if (events & POLLERR) socket.failed = true;
    // Normally a receive meets the error. When this side's stream has ended, or has nowhere to go
    // yet, there is none.
    if (socket.failed && (session.ended[side] || session.state == Session::kConnecting)) {
      return fail_session(index, pending_error(sys_, socket.fd));
    }
    if (events & (POLLOUT | POLLERR | POLLHUP)) session.flows[1 - side]->output_event();
    if (events & (kWatchedInput | POLLERR | POLLHUP)) session.flows[side]->input_event();
    if (session.state == Session::kOpen) enqueue(index);
  }

  void enqueue(uint32_t index) {
    if (sessions_[index].queued) return;
    sessions_[index].queued = true;
    queue_.push_back(index);
  }

  void advance_queue() {
    turn_.swap(queue_);
    for (const uint32_t index : turn_) {
      sessions_[index].queued = false;
      if (sessions_[index].state == Session::kOpen) advance(index);
    }
    turn_.clear();
    for (const uint32_t id : port_.later_) {
      if (sessions_[id / 2].state == Session::kOpen) enqueue(id / 2);
    }
    port_.later_.clear();
  }

  void advance(uint32_t index) {
    Session& session = sessions_[index];
    for (const Side from : {kUpstream, kClient}) {
      if (session.ended[from]) continue;
      const UringProgress progress = session.flows[from]->advance();
      if (progress.state == UringProgress::kFailed) return fail_session(index, progress.error);
      if (progress.state == UringProgress::kGoing) continue;
      sys_.shutdown(session.sockets[1 - from].fd, SHUT_WR);
      session.ended[from] = true;
      // A reset right behind the end of the stream: no event will tell of it again.
      if (session.sockets[from].failed) {
        return fail_session(index, pending_error(sys_, session.sockets[from].fd));
      }
    }
    if (session.ended[0] && session.ended[1]) begin_close(index, /*reset=*/false);
  }

  void accept_sessions() {
    for (int i = 0; i < kAcceptsAtOnce; ++i) {
      if (context_.options.once && context_.stats.accepted.get() != 0) return;
      // The upstream's socket comes first: a client is taken only when it can be served, and waits
      // in the backlog otherwise.
      if (reserve_ < 0) reserve_ = sys_.socket(context_.options.upstream.family());
      sockaddr_storage peer;
      const int fd = reserve_ < 0 ? reserve_ : sys_.accept(context_.listener, &peer);
      if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
        // Until a session has ended, or someone else has given back what is missing.
        context_.stats.last_errno.set(static_cast<uint64_t>(-fd));
        mechanism_.release_spare();
        starved_ = true;
        return;
      }
      if (fd < 0) break;
      context_.stats.accepted.add(1);
      open_session(fd, port_of(peer));
    }
    poll_once(context_.listener, kListener);
  }

  void resume_accepting() {
    if (!starved_ || listening_ || ending_) return;
    starved_ = false;
    poll_once(context_.listener, kListener);
  }

  void open_session(int client, uint16_t client_port) {
    uint32_t index;
    if (free_.empty()) {
      index = static_cast<uint32_t>(sessions_.size());
      sessions_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Session& session = sessions_[index];
    session = {};
    session.state = Session::kConnecting;
    context_.stats.open.add(1);
    const Address& upstream = context_.options.upstream;
    const int fd = std::exchange(reserve_, -1);
    session.sockets[kUpstream].fd = fd;
    session.sockets[kClient].fd = client;
    send_at_once(sys_, client);
    send_at_once(sys_, fd);
    const uint32_t serial = serial_++;
    sys_.recorder().note_session(serial, client_port);
    session.flows[kUpstream] =
        mechanism_.open(port_, {index * 2, serial * 2, fd, client}, context_.stats.down_bytes);
    session.flows[kClient] = mechanism_.open(port_, {index * 2 + 1, serial * 2 + 1, client, fd},
                                             context_.stats.up_bytes);
    const int result =
        sys_.connect(fd, reinterpret_cast<const sockaddr*>(&upstream.storage), upstream.size);
    if (result < 0 && result != -EINPROGRESS) return refuse_session(index, -result);
    watch(index, kUpstream);
    watch(index, kClient);
  }

  // The upstream cannot be reached. The client is reset: an orderly end would say "empty".
  void refuse_session(uint32_t index, int error) {
    context_.stats.connect_failures.add(1);
    context_.stats.last_errno.set(static_cast<uint64_t>(error));
    begin_close(index, /*reset=*/true);
  }

  void fail_session(uint32_t index, int error) {
    context_.stats.resets.add(1);
    context_.stats.last_errno.set(static_cast<uint64_t>(error));
    begin_close(index, /*reset=*/true);
  }

  void begin_close(uint32_t index, bool reset) {
    Session& session = sessions_[index];
    if (session.state != Session::kConnecting && session.state != Session::kOpen) return;
    session.state = Session::kClosing;
    session.reset = reset;
    for (const Side side : {kUpstream, kClient}) {
      session.flows[side]->abandon();
      for (const UringOp op :
           {UringOp::kReceive, UringOp::kSend, UringOp::kFill, UringOp::kDrain}) {
        port_.cancel(index * 2 + side, op);
      }
      if (session.sockets[side].watched) cancel(uring_tag(index * 2 + side, kWatch));
    }
    settle(index);
  }

  bool idle(uint32_t index) {
    for (const Side side : {kUpstream, kClient}) {
      if (sessions_[index].sockets[side].watched) return false;
      for (const uint64_t tag : port_.under_way(index * 2 + side).tags) {
        if (tag != 0) return false;
      }
    }
    return true;
  }

  // Closes a session's sockets once nothing is under way, and forgets it once its memory is free.
  void settle(uint32_t index) {
    Session& session = sessions_[index];
    if (session.state == Session::kClosing && idle(index)) {
      close_sockets(session);
      session.state = Session::kLingering;
      context_.stats.open.set(context_.stats.open.get() - 1);
      if (context_.options.once) finished_once_ = true;
      resume_accepting();
    }
    if (session.state != Session::kLingering) return;
    if (session.flows[0]->lingers() || session.flows[1]->lingers()) return;
    session.flows = {};
    session.state = Session::kFree;
    free_.push_back(index);
  }

  void close_sockets(Session& session) {
    for (Socket& socket : session.sockets) {
      close_socket(sys_, std::exchange(socket.fd, -1), session.reset);
    }
  }

  ForwarderContext& context_;
  Sys& sys_;
  Ring& ring_;
  UringPort port_;
  UringMechanism& mechanism_;
  int reserve_ = -1;        // the next session's upstream socket
  bool listening_ = false;  // the listener's poll is under way
  bool waking_ = false;     // and that of the event to stop
  bool starved_ = false;    // descriptors or memory ran out: the listener is not polled
  bool finished_once_ = false;
  bool ending_ = false;
  uint32_t serial_ = 0;  // of the next session
  std::vector<Session> sessions_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> queue_;  // sessions to advance
  std::vector<uint32_t> turn_;   // those being advanced; swapped, so that neither allocates
};

void run_uring_relay(ForwarderContext& context, Ring& ring, UringMechanism& mechanism) {
  UringRelay(context, ring, mechanism).run();
}

}  // namespace splicebench
