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

#include <array>
#include <memory>
#include <vector>

#include "counters/clock.h"
#include "forward/session_core.h"

namespace splicebench {

using relay::flow_number;
using relay::kSides;
using relay::kUpstream;
using relay::other;
using relay::SessionCore;
using relay::SessionOf;
using relay::SessionSocket;
using relay::Side;
using uring::Cqe;
using uring::Ring;
using uring::Sqe;

namespace {

constexpr int kEndingMs = 50;                     // between looks at the time while the relay ends
constexpr uint64_t kMostToEndNs = 3'000'000'000;  // for what is under way at the end
constexpr uint32_t kWatchedAlways = POLLOUT | POLLERR | POLLHUP;
constexpr uint32_t kWatchedInput = POLLIN | POLLRDHUP;

struct Socket : SessionSocket {
  bool watched = false;  // its poll is under way
};

struct Session : SessionOf<Socket, UringFlow> {
  std::array<bool, 2> done{};  // by Side: that direction
  bool reset = false;          // close with a reset

  // A flow stays for as long as the kernel may use its memory.
  bool ended(Side from) const { return done[from]; }
  void end(Side from) { done[from] = true; }
  void clear() { done = {}; }
};

}  // namespace

class UringRelay final : SessionCore<Session> {
 public:
  UringRelay(ForwarderContext& context, Ring& ring, UringMechanism& mechanism)
      : SessionCore(context), ring_(ring), port_(ring), mechanism_(mechanism) {}
  // end() has closed the sessions, if the kernel and the memory let it.
  ~UringRelay() { release_all(); }

  void run() {
    try {
      serve();
    } catch (...) {
      end();
      throw;
    }
    end();
  }

 private:
  void serve() {
    poll_once(context_.wake, kWake);
    start_accepting();
    while (goes_on()) turn(patience());
  }

  void turn(int timeout_ms) {
    mechanism_.prepare_to_wait();
    ring_.wait(timeout_ms);
    if (ring_.all_submitted()) mechanism_.submitted();
    while (const Cqe* next = ring_.peek()) {
      const Cqe cqe = *next;
      ring_.consume();
      take(cqe);
    }
    advance_sessions();
    accept_when_due();
  }

  // Everything is cancelled and waited for, the listener's poll too: the ring would keep the
  // listener open beyond its close.
  void end() {
    ending_ = true;
    for (uint32_t i = 0; i < sessions_.size(); ++i) close_session(i, /*reset=*/true);
    if (listening_) cancel(uring_tag(0, kListener));
    if (waking_) cancel(uring_tag(0, kWake));
    const uint64_t latest = monotonic_ns() + kMostToEndNs;
    while ((listening_ || waking_ || context_.stats.open.get() != 0) && monotonic_ns() < latest) {
      turn(kEndingMs);
    }
  }

  void poll_once(int fd, UringKind kind) {
    Sqe& sqe = ring_.next();
    sqe.opcode = uring::kOpPollAdd;
    sqe.fd = fd;
    sqe.op_flags = POLLIN;
    sqe.user_data = uring_tag(0, kind);
    (kind == kListener ? listening_ : waking_) = true;
  }

  // A poll of the listener tells of clients once.
  bool watch_listener(bool wanted) override {
    if (wanted && !listening_ && !ending_) poll_once(context_.listener, kListener);
    return true;
  }

  int watch_socket(uint32_t index, Side side) override {
    Socket& socket = sessions_[index].sockets[side];
    Sqe& sqe = ring_.next();
    sqe.opcode = uring::kOpPollAdd;
    sqe.fd = socket.fd.get();
    sqe.len = uring::kPollMultishot;
    sqe.op_flags = kWatchedAlways | (mechanism_.watches_input() ? kWatchedInput : 0);
    sqe.user_data = uring_tag(flow_number(index, side), kWatch);
    socket.watched = true;
    return 0;
  }

  std::unique_ptr<UringFlow> open_flow(uint32_t index, Side from, uint32_t number,
                                       Counter& delivered) override {
    const auto& sockets = sessions_[index].sockets;
    const UringEnds ends{flow_number(index, from), number, sockets[from].fd.get(),
                         sockets[other(from)].fd.get()};
    return mechanism_.open(port_, ends, delivered);
  }

  void release_spare() override { mechanism_.release_spare(); }

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
    if (!socket.watched) watch_socket(index, side);
    if (session.state == Session::kConnecting && side == kUpstream) {
      if (!(events & kWatchedAlways) || !finish_connect(index)) return;
    }
    if (events & POLLERR && !survives_error(index, side)) return;
    if (events & kWatchedAlways) session.flows[other(side)]->output_event();
    if (events & (kWatchedInput | POLLERR | POLLHUP)) session.flows[side]->input_event();
    if (session.state == Session::kOpen) enqueue(index);
  }

  void advance_sessions() {
    take_turns([this](uint32_t index) { advance(index); });
    for (const uint32_t id : port_.later_) {
      if (sessions_[id / 2].state == Session::kOpen) enqueue(id / 2);
    }
    port_.later_.clear();
  }

  void advance(uint32_t index) {
    Session& session = sessions_[index];
    for (const Side from : kSides) {
      if (session.ended(from)) continue;
      const UringProgress progress = session.flows[from]->advance();
      if (progress.state == UringProgress::kFailed) return fail_session(index, progress.error);
      if (progress.state == UringProgress::kGoing) continue;
      if (!pass_end(index, from)) return;
    }
    close_if_ended(index);
  }

  // Cancels what is under way; the rest is settle()'s.
  void close_session(uint32_t index, bool reset) override {
    Session& session = sessions_[index];
    if (session.state != Session::kConnecting && session.state != Session::kOpen) return;
    session.state = Session::kClosing;
    session.reset = reset;
    for (const Side side : kSides) {
      if (session.flows[side]) session.flows[side]->abandon();
      for (const UringOp op :
           {UringOp::kReceive, UringOp::kSend, UringOp::kFill, UringOp::kDrain}) {
        port_.cancel(flow_number(index, side), op);
      }
      if (session.sockets[side].watched) cancel(uring_tag(flow_number(index, side), kWatch));
    }
    settle(index);
  }

  bool idle(uint32_t index) {
    for (const Side side : kSides) {
      if (sessions_[index].sockets[side].watched) return false;
      for (const uint64_t tag : port_.under_way(flow_number(index, side)).tags) {
        if (tag != 0) return false;
      }
    }
    return true;
  }

  // Closes a session's sockets once nothing is under way, and forgets it once its memory is free.
  void settle(uint32_t index) {
    Session& session = sessions_[index];
    if (session.state == Session::kClosing && idle(index)) {
      close_sockets(session, session.reset);
      session.state = Session::kLingering;
      note_closed();
    }
    if (session.state != Session::kLingering) return;
    for (const auto& flow : session.flows) {
      if (flow && flow->lingers()) return;
    }
    free_place(index);
  }

  Ring& ring_;
  UringPort port_;
  UringMechanism& mechanism_;
  bool listening_ = false;  // the listener's poll is under way
  bool waking_ = false;     // and that of the event to stop
  bool ending_ = false;
};

void run_uring_relay(ForwarderContext& context, Ring& ring, UringMechanism& mechanism) {
  UringRelay(context, ring, mechanism).run();
}

}  // namespace splicebench
