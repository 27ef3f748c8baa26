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

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "counters/clock.h"
#include "forward/relay_session.h"
#include "posix/error.h"

namespace splicebench {

using relay::kSides;
using relay::kUpstream;
using relay::Session;
using relay::SessionCore;
using relay::Side;
using relay::Socket;
using relay::Visit;

namespace {

// Bytes per visit: all sessions together get about kTurn before the loop looks for events again.
constexpr size_t kTurn = size_t{16} << 20;
constexpr size_t kLeastBudget = size_t{256} << 10;
constexpr int kEventsAtOnce = 256;
constexpr int kShutdownRetryMs = 2;
constexpr uint64_t kListenerTag = UINT64_MAX;
constexpr uint64_t kWakeTag = UINT64_MAX - 1;

class Relay final : SessionCore<Session> {
 public:
  Relay(ForwarderContext& context, FlowFactory& flows) : SessionCore(context), flows_(flows) {}
  ~Relay() { release_all(); }

  void run() {
    epoll_ = SysFd(sys_, sys_.epoll_create());
    if (!epoll_) throw SystemError("epoll_create1", "", -epoll_.get());
    watch(context_.wake, EPOLLIN, kWakeTag);
    start_accepting();
    while (goes_on()) {
      wait_for_events();
      take_turns([this](uint32_t index) { service(index); });
    }
  }

 private:
  int watch(int fd, uint32_t events, uint64_t tag) {
    epoll_event event{.events = events, .data = {.u64 = tag}};
    return sys_.epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  bool watch_listener(bool wanted) override {
    if (listening_ == wanted) return true;
    if (!wanted) sys_.epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, context_.listener, nullptr);
    listening_ = wanted && watch(context_.listener, EPOLLIN, kListenerTag) >= 0;
    return listening_ == wanted;
  }

  int watch_socket(uint32_t index, Side side) override {
    const Session& session = sessions_[index];
    return watch(session.sockets[side].fd.get(), all_events(),
                 tag(index, session.generation, side));
  }

  std::unique_ptr<Flow> open_flow(uint32_t, Side, uint32_t number, Counter& delivered) override {
    return flows_.open(number, delivered);
  }

  void release_spare() override { flows_.release_spare(); }

  static uint64_t tag(uint32_t index, uint32_t generation, Side side) {
    return uint64_t{generation} << 32 | index << 1 | side;
  }

  void wait_for_events() {
    const int timeout = patience(visits_.empty() ? UINT64_MAX : visits_.top().due_ns);
    const int count = sys_.epoll_wait(epoll_.get(), events_.data(), kEventsAtOnce, timeout);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events_[static_cast<size_t>(i)];
      if (event.data.u64 == kWakeTag) continue;  // the loop's condition looks at stop
      if (event.data.u64 == kListenerTag) {
        accept_sessions();
      } else {
        take_event(event);
      }
    }
    accept_when_due();
    if (!visits_.empty()) begin_due_visits();
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
      if (session.generation != due >> 32) continue;
      session.waiting[due & 1] = false;
      session.sockets[due & 1].readable = true;
      enqueue(index);
    }
  }

  void take_event(const epoll_event& event) {
    const uint32_t index = static_cast<uint32_t>(event.data.u64) >> 1;
    const Side side = static_cast<Side>(event.data.u64 & 1);
    Session& session = sessions_[index];
    if (session.generation != event.data.u64 >> 32) return;
    Socket& socket = session.sockets[side];
    if (session.state == Session::kConnecting && side == kUpstream) {
      if (!(event.events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
      if (!finish_connect(index) || !tell_flows(index)) return;
    }
    const bool failed = event.events & EPOLLERR && !only_messages(session, side);
    const bool ended = failed || event.events & (EPOLLHUP | EPOLLRDHUP);
    if (event.events & EPOLLIN || ended) socket.readable = true;
    if (ended && session.flows[side]) session.flows[side]->note_end();
    if (event.events & EPOLLOUT || failed) socket.writable = true;
    if (event.events & EPOLLPRI && session.flows[side]) session.flows[side]->note_urgent();
    if (failed && !survives_error(index, side)) return;
    enqueue(index);
  }

  // Whether what is reported as an error is no more than messages in the error queue, which is
  // where completions of zero-copy sends come: they make room, as EPOLLOUT does.
  bool only_messages(Session& session, Side side) {
    if (!flows_.uses_error_queue()) return false;
    Socket& socket = session.sockets[side];
    if (socket.error == 0) socket.error = pending_error(sys_, socket.fd.get());
    if (socket.error != 0) return false;
    socket.writable = true;
    const auto& flow = session.flows[other(side)];
    if (flow) flow->note_error_queue(socket.fd.get());
    return true;
  }

  // Both sides of a session are connected. False = a flow refused it.
  bool tell_flows(uint32_t index) {
    Session& session = sessions_[index];
    for (const Side from : kSides) {
      const PumpResult result = session.flows[from]->connected(
          session.sockets[from].fd.get(), session.sockets[other(from)].fd.get());
      if (result.end == PumpEnd::kFailed) {
        refuse_session(index, result.error);
        return false;
      }
      if (result.end == PumpEnd::kWait) plan_visit(index, from, result.wait_ms);
    }
    return true;
  }

  void service(uint32_t index) {
    for (const Side from : kSides) {
      Session& session = sessions_[index];
      if (!session.flows[from]) continue;
      Socket& in = session.sockets[from];
      Socket& out = session.sockets[other(from)];
      Flow& flow = *session.flows[from];
      if (!out.writable || !(in.readable || flow.holds_data())) continue;
      if (session.put_off[from] && session.waiting[from]) continue;
      const PumpResult result = flow.pump(in.fd.get(), out.fd.get(), budget());
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
          if (!finish(index, from)) return;
          break;
        case PumpEnd::kFailed:
          fail_session(index, result.error);
          return;
      }
    }
    close_if_ended(index);
  }

  // A flow has come to the end of its input. False = the session failed.
  bool finish(uint32_t index, Side from) {
    Session& session = sessions_[index];
    const Socket& in = session.sockets[from];
    // After its error was taken, a socket that was reset reads like one that has ended.
    if (in.error != 0) {
      fail_session(index, in.error);
      return false;
    }
    Flow* back = session.flows[other(from)].get();
    if (!back || back->allow_shutdown(session.sockets[other(from)].fd.get())) {
      return pass_end(index, from);
    }
    session.put_off[from] = true;
    plan_visit(index, from, kShutdownRetryMs);
    // It may find meanwhile that the session cannot go on.
    plan_visit(index, other(from), kShutdownRetryMs);
    return true;
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
    const int changed = sys_.epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.fd.get(), &event);
    if (changed == 0) socket.muted = !wanted;
  }

  size_t budget() const {
    const uint64_t open = std::max<uint64_t>(1, context_.stats.open.get());
    return std::max<size_t>(kLeastBudget, kTurn / open);
  }

  void close_session(uint32_t index, bool reset) override {
    Session& session = sessions_[index];
    session.flows = {};
    close_sockets(session, reset);
    free_place(index);
    note_closed();
  }

  FlowFactory& flows_;
  SysFd epoll_;
  bool listening_ = false;  // the listener is watched
  std::array<epoll_event, kEventsAtOnce> events_;
  // Flows that wait for a time; those of sessions that have ended meanwhile are passed over.
  std::priority_queue<Visit, std::vector<Visit>, std::greater<>> visits_;
};

}  // namespace

void run_relay(ForwarderContext& context, FlowFactory& flows) {
  Relay(context, flows).run();
}

}  // namespace splicebench
