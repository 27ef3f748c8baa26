// The relay loop of the readiness-based mechanisms.
//
// Both sockets of a session are registered edge-triggered, for reading and writing; what epoll
// reported is kept in flags until a call says EAGAIN. A flow is pumped when its output can take
// bytes and its input has some (or the flow still holds some). Backpressure is therefore the
// kernel's own: an output that is full stops the reading of its input.
//
// While an output is full its input is not listened to: each segment that arrives there would wake
// this thread, and cost whoever sent it the waking, for nothing. It is listened to again when it
// is dry; a change of what is listened to reports what is there already, so that nothing is missed.
//
// A reset is passed on as a reset. Closing the other side in the ordinary way would turn a broken
// transfer into one that looks complete.

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "forward/relay_session.h"
#include "forward/session_socket.h"
#include "posix/error.h"

namespace splicebench {

using relay::kClient;
using relay::kUpstream;
using relay::Session;
using relay::Side;
using relay::Socket;
using relay::Visit;

namespace {

// Bytes per visit: all sessions together get about kTurn before the loop looks for events again.
constexpr size_t kTurn = size_t{16} << 20;
constexpr size_t kLeastBudget = size_t{256} << 10;
constexpr int kEventsAtOnce = 256;
constexpr int kAcceptsAtOnce = 64;
constexpr int kStarvedMs = 50;  // between attempts to accept when descriptors have run out
constexpr int kShutdownRetryMs = 2;
constexpr uint64_t kListenerTag = UINT64_MAX;
constexpr uint64_t kWakeTag = UINT64_MAX - 1;

class Relay {
 public:
  Relay(ForwarderContext& context, FlowFactory& flows)
      : context_(context), sys_(context.sys), flows_(flows) {}

  void run() {
    epoll_ = sys_.epoll_create();
    if (epoll_ < 0) throw SystemError("epoll_create1", "", -epoll_);
    watch(context_.wake, EPOLLIN, kWakeTag);
    watch(context_.listener, EPOLLIN, kListenerTag);
    while (!context_.stop.load(std::memory_order_relaxed) && !finished_once_) {
      wait_for_events();
      service_queue();
    }
    for (uint32_t i = 0; i < sessions_.size(); ++i) {
      if (sessions_[i].open) close_session(i, /*reset=*/true);
    }
    if (reserve_ >= 0) sys_.close(reserve_);
    sys_.close(epoll_);
  }

 private:
  int watch(int fd, uint32_t events, uint64_t tag) {
    epoll_event event{.events = events, .data = {.u64 = tag}};
    return sys_.epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  static uint64_t tag(uint32_t index, uint32_t generation, Side side) {
    return uint64_t{generation} << 32 | index << 1 | side;
  }

  void wait_for_events() {
    const int timeout = patience();
    const int count = sys_.epoll_wait(epoll_, events_.data(), kEventsAtOnce, timeout);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events_[static_cast<size_t>(i)];
      if (event.data.u64 == kWakeTag) continue;  // the loop's condition looks at stop
      if (event.data.u64 == kListenerTag) {
        accept_sessions();
      } else {
        take_event(event);
      }
    }
    if (count == 0 && starved_) resume_accepting();
    if (!visits_.empty()) begin_due_visits();
  }

  // How long to wait for events, ms; -1 = until one comes.
  int patience() const {
    if (!queue_.empty()) return 0;
    const int most = starved_ ? kStarvedMs : -1;
    if (visits_.empty()) return most;
    const uint64_t now = monotonic_ns();
    const uint64_t due = visits_.top().due_ns;
    // Rounded up, so that it is due when the wait is over.
    const int until = due <= now ? 0 : static_cast<int>((due - now) / 1'000'000 + 1);
    return most < 0 ? until : std::min(most, until);
  }

  void plan_visit(uint32_t index, Side from, uint32_t wait_ms) {
    Session& session = sessions_[index];
    if (session.waiting[from]) return;
    session.waiting[from] = true;
    visits_.push(
        {monotonic_ns() + uint64_t{wait_ms} * 1'000'000, tag(index, session.generation, from)});
  }

  void begin_due_visits() {
    const uint64_t now = monotonic_ns();
    while (!visits_.empty() && visits_.top().due_ns <= now) {
      const uint64_t due = visits_.top().tag;
      visits_.pop();
      const uint32_t index = static_cast<uint32_t>(due) >> 1;
      Session& session = sessions_[index];
      if (!session.open || session.generation != due >> 32) continue;
      session.waiting[due & 1] = false;
      session.sockets[due & 1].readable = true;
      enqueue(index);
    }
  }

  void take_event(const epoll_event& event) {
    const uint32_t index = static_cast<uint32_t>(event.data.u64) >> 1;
    const Side side = static_cast<Side>(event.data.u64 & 1);
    Session& session = sessions_[index];
    if (!session.open || session.generation != event.data.u64 >> 32) return;
    Socket& socket = session.sockets[side];
    if (session.connecting && side == kUpstream) {
      if (event.events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) finish_connect(index);
      if (!session.open || session.connecting) return;
    }
    const bool failed = event.events & EPOLLERR && !only_messages(session, side);
    const bool ended = failed || event.events & (EPOLLHUP | EPOLLRDHUP);
    if (event.events & EPOLLIN || ended) socket.readable = true;
    if (ended && session.flows[side]) session.flows[side]->note_end();
    if (event.events & EPOLLOUT || failed) socket.writable = true;
    if (event.events & EPOLLPRI && session.flows[side]) session.flows[side]->note_urgent();
    if (failed) socket.failed = true;
    // Normally the pump reads up to the error. When this side's stream has ended, or has nowhere to
    // go yet, nobody reads it.
    if (failed && (!session.flows[side] || session.connecting)) {
      fail_session(index, error_of(socket));
      return;
    }
    enqueue(index);
  }

  // Whether what is reported as an error is no more than messages in the error queue, which is
  // where completions of zero-copy sends come: they make room, as EPOLLOUT does.
  bool only_messages(Session& session, Side side) {
    if (!flows_.uses_error_queue()) return false;
    Socket& socket = session.sockets[side];
    if (socket.error == 0) socket.error = pending_error(sys_, socket.fd);
    if (socket.error != 0) return false;
    socket.writable = true;
    if (session.flows[1 - side]) session.flows[1 - side]->note_error_queue(socket.fd);
    return true;
  }

  void enqueue(uint32_t index) {
    if (sessions_[index].queued) return;
    sessions_[index].queued = true;
    queue_.push_back(index);
  }

  void service_queue() {
    turn_.swap(queue_);
    for (const uint32_t index : turn_) {
      sessions_[index].queued = false;
      if (sessions_[index].open && !sessions_[index].connecting) service(index);
    }
    turn_.clear();
  }

  void service(uint32_t index) {
    for (const Side from : {kUpstream, kClient}) {
      Session& session = sessions_[index];
      if (!session.flows[from]) continue;
      Socket& in = session.sockets[from];
      Socket& out = session.sockets[1 - from];
      Flow& flow = *session.flows[from];
      if (!out.writable || !(in.readable || flow.holds_data())) continue;
      const PumpResult result = flow.pump(in.fd, out.fd, budget());
      switch (result.end) {
        case PumpEnd::kInputDry:
          in.readable = false;
          listen_to(index, from, true);
          break;
        case PumpEnd::kOutputFull:
          out.writable = false;
          listen_to(index, from, false);
          break;
        case PumpEnd::kBudget:
          enqueue(index);
          break;
        case PumpEnd::kWait:
          in.readable = false;
          listen_to(index, from, true);
          plan_visit(index, from, result.wait_ms);
          break;
        case PumpEnd::kFinished:
          // After its error was taken, a socket that was reset reads like one that has ended.
          if (in.error != 0) {
            fail_session(index, in.error);
            return;
          }
          if (Flow* other = session.flows[1 - from].get();
              other && !other->allow_shutdown(out.fd)) {
            plan_visit(index, from, kShutdownRetryMs);
            break;
          }
          sys_.shutdown(out.fd, SHUT_WR);
          session.flows[from].reset();
          // A reset right behind the end of the stream: no event will tell of it again.
          if (in.failed) {
            fail_session(index, error_of(in));
            return;
          }
          break;
        case PumpEnd::kFailed:
          fail_session(index, result.error);
          return;
      }
    }
    if (!sessions_[index].flows[0] && !sessions_[index].flows[1]) close_session(index, false);
  }

  uint32_t all_events() const { return flows_.events() | EPOLLET; }

  // Whether bytes that arrive on a side are to wake this thread. Its end and its errors always do.
  void listen_to(uint32_t index, Side side, bool wanted) {
    Session& session = sessions_[index];
    Socket& socket = session.sockets[side];
    constexpr uint32_t kArrivals = EPOLLIN | EPOLLPRI;
    if (socket.muted != wanted || !flows_.reads_inputs_only()) return;
    epoll_event event{.events = wanted ? all_events() : all_events() & ~kArrivals,
                      .data = {.u64 = tag(index, session.generation, side)}};
    if (sys_.epoll_ctl(epoll_, EPOLL_CTL_MOD, socket.fd, &event) == 0) socket.muted = !wanted;
  }

  size_t budget() const {
    const uint64_t open = std::max<uint64_t>(1, context_.stats.open.get());
    return std::max<size_t>(kLeastBudget, kTurn / open);
  }

  void accept_sessions() {
    for (int i = 0; i < kAcceptsAtOnce; ++i) {
      if (context_.options.once && context_.stats.accepted.get() != 0) return pause_accepting();
      // The upstream's socket comes first: a client is taken only when it can be served, and waits
      // in the backlog otherwise.
      if (reserve_ < 0) reserve_ = sys_.socket(context_.options.upstream.family());
      sockaddr_storage peer;
      const int fd = reserve_ < 0 ? reserve_ : sys_.accept(context_.listener, &peer);
      if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
        // Level-triggered, the listener would keep waking us: wait until a session has ended, or
        // someone else has given back what is missing.
        context_.stats.last_errno.set(static_cast<uint64_t>(-fd));
        flows_.release_spare();
        starved_ = true;
        return pause_accepting();
      }
      if (fd < 0) return;
      context_.stats.accepted.add(1);
      open_session(fd, port_of(peer));
    }
  }

  void pause_accepting() {
    if (paused_) return;
    sys_.epoll_ctl(epoll_, EPOLL_CTL_DEL, context_.listener, nullptr);
    paused_ = true;
  }

  void resume_accepting() {
    if (!paused_ || !starved_) return;
    paused_ = starved_ = watch(context_.listener, EPOLLIN, kListenerTag) < 0;
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
    session.open = true;
    session.connecting = true;
    session.sockets = {Socket{.fd = client}, Socket{}};
    context_.stats.open.add(1);
    const Address& upstream = context_.options.upstream;
    const int fd = std::exchange(reserve_, -1);
    session.sockets[kUpstream].fd = fd;
    send_at_once(sys_, client);
    send_at_once(sys_, fd);
    const int result =
        sys_.connect(fd, reinterpret_cast<const sockaddr*>(&upstream.storage), upstream.size);
    if (result < 0 && result != -EINPROGRESS) return refuse_session(index, -result);
    const uint32_t serial = serial_++;
    sys_.recorder().note_session(serial, client_port);
    session.flows[kUpstream] = flows_.open(serial * 2, context_.stats.down_bytes);
    session.flows[kClient] = flows_.open(serial * 2 + 1, context_.stats.up_bytes);
    for (const Side side : {kUpstream, kClient}) {
      const int watched =
          watch(session.sockets[side].fd, all_events(), tag(index, session.generation, side));
      if (watched < 0) return refuse_session(index, -watched);
    }
  }

  void finish_connect(uint32_t index) {
    Session& session = sessions_[index];
    const int error = pending_error(sys_, session.sockets[kUpstream].fd);
    if (error != 0) return refuse_session(index, error);
    session.connecting = false;
    for (const Side from : {kUpstream, kClient}) {
      const PumpResult result =
          session.flows[from]->connected(session.sockets[from].fd, session.sockets[1 - from].fd);
      if (result.end == PumpEnd::kFailed) return refuse_session(index, result.error);
      if (result.end == PumpEnd::kWait) plan_visit(index, from, result.wait_ms);
    }
  }

  // Asking a socket takes its error away: what was taken is kept.
  int error_of(const Socket& socket) {
    return socket.error != 0 ? socket.error : pending_error(sys_, socket.fd);
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

  void close_session(uint32_t index, bool reset) {
    Session& session = sessions_[index];
    session.flows = {};
    for (const Socket& socket : session.sockets) {
      if (socket.fd < 0) continue;
      close_socket(sys_, socket.fd, reset);
    }
    session.sockets = {};
    session.waiting = {};
    session.open = false;
    ++session.generation;
    free_.push_back(index);
    context_.stats.open.set(context_.stats.open.get() - 1);
    if (context_.options.once) finished_once_ = true;
    resume_accepting();
  }

  ForwarderContext& context_;
  Sys& sys_;
  FlowFactory& flows_;
  int epoll_ = -1;
  int reserve_ = -1;      // the next session's upstream socket
  uint32_t serial_ = 0;   // of the next session: its place in sessions_ is used again
  bool paused_ = false;   // the listener is not watched
  bool starved_ = false;  // because descriptors or memory ran out
  bool finished_once_ = false;
  std::array<epoll_event, kEventsAtOnce> events_;
  std::vector<Session> sessions_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> queue_;  // sessions with something to do
  // Flows that wait for a time; those of sessions that have ended meanwhile are passed over.
  std::priority_queue<Visit, std::vector<Visit>, std::greater<>> visits_;
  std::vector<uint32_t> turn_;  // those being served; swapped, so that neither allocates
};

}  // namespace

void run_relay(ForwarderContext& context, FlowFactory& flows) {
  Relay(context, flows).run();
}

}  // namespace splicebench
