#include "endpoint/endpoint_loop.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "counters/clock.h"
#include "posix/error.h"

namespace splicebench {
namespace {

// Bytes per visit and visits until the loop looks for events again: about kTurn bytes together, so
// that neither a connection nor the time series waits for the others. Many connections are visited
// over several turns, not for less each: small pieces cost a stream more than waiting does.
constexpr uint64_t kTurn = uint64_t{16} << 20;
constexpr uint64_t kLeastBudget = uint64_t{1} << 20;
constexpr uint64_t kMostBudget = uint64_t{4} << 20;
constexpr size_t kMessageVisits = 64;  // where connections take turns by message
constexpr int kEventsAtOnce = 256;
constexpr long kSampleNs = 100'000'000;
constexpr uint64_t kWakeTag = UINT64_MAX - 1;
constexpr uint64_t kTimerTag = UINT64_MAX - 2;
constexpr uint64_t kPaceTag = UINT64_MAX - 3;
constexpr uint64_t kSecond = 1'000'000'000;

}  // namespace

Endpoint::Loop::Loop(Endpoint& owner)
    : e(owner),
      options(owner.options_),
      parts(options),
      limit(parts.limit()),
      budget(std::clamp(kTurn / options.connections, kLeastBudget, kMostBudget)),
      sizes(options.seed),
      takes_turns(options.message != 0 && (options.connections > 1 || options.send_rate != 0)),
      sending(options.send_rate),
      receiving(options.receive_rate) {
  connections.resize(options.connections);
  e.results_.resize(options.connections);
  e.receivers_.resize(options.connections);
}

void Endpoint::Loop::run() {
  // Refused: the loop works all the same, it only pays for more changes between the two.
  const sched_param none{};
  if (options.batch) pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
  epoll = Fd(epoll_create1(EPOLL_CLOEXEC));
  timer = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  pace_timer = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!epoll || !timer || !pace_timer) throw SystemError("epoll_create1", "");
  const itimerspec every{{0, kSampleNs}, {0, kSampleNs}};
  timerfd_settime(timer.get(), 0, &every, nullptr);
  watch(timer.get(), EPOLLIN, kTimerTag);
  watch(pace_timer.get(), EPOLLIN, kPaceTag);
  watch(e.wake_.get(), EPOLLIN, kWakeTag);
  if (options.listen) {
    watch(e.listener_.get(), EPOLLIN, kListenerTag);
  } else {
    connect_more();
  }
  while (!e.stop_now_ && e.stats_.ended.get() < options.connections) {
    wait_for_events();
    visit_queued();
    grant(sending, &Connection::awaits_send, &Loop::send);
    grant(receiving, &Connection::awaits_receive, &Loop::receive);
    end_pauses();
    await_credit();
  }
  for (uint32_t i = 0; i < opened; ++i) {
    if (connections[i].fd) end(i, ECANCELED);
  }
  abandon_rest();
  sample();
}

void Endpoint::Loop::visit_queued() {
  size_t left = takes_turns ? kMessageVisits : static_cast<size_t>(kTurn / budget);
  do {
    if (visited == turn.size()) {
      turn.clear();
      turn.swap(queue);
      visited = 0;
    }
    for (; visited < turn.size() && left > 0; ++visited, --left) {
      const uint32_t index = turn[visited];
      connections[index].queued = false;
      if (connections[index].fd && !connections[index].connecting) service(index);
    }
    // Messages are so short that several rounds fit between two looks at the events.
  } while (takes_turns && left > 0 && !queue.empty());
}

void Endpoint::Loop::await_credit() {
  const uint64_t now = monotonic_ns();
  uint64_t ns = UINT64_MAX;
  if (!sending.waiting.empty()) ns = sending.wait_ns(now);
  if (!receiving.waiting.empty()) ns = std::min(ns, receiving.wait_ns(now));
  if (!pauses.empty()) {
    const uint64_t until = pauses.front().until_ns;
    ns = std::min(ns, until > now ? until - now : 1);
  }
  if (ns == UINT64_MAX) return;
  const itimerspec once{{0, 0},
                        {static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)}};
  timerfd_settime(pace_timer.get(), 0, &once, nullptr);
}

void Endpoint::Loop::await_turn(Pacer& pacer, bool Connection::*waits, uint32_t index) {
  if (connections[index].*waits) return;
  connections[index].*waits = true;
  pacer.waiting.push_back(index);
}

void Endpoint::Loop::grant(Pacer& pacer, bool Connection::*waits,
                           bool (Loop::*move)(uint32_t, uint64_t)) {
  for (size_t left = pacer.waiting.size(); left > 0; --left) {
    const int64_t credit = pacer.credit(monotonic_ns());
    if (credit <= 0) return;
    const uint32_t index = pacer.waiting.front();
    pacer.waiting.pop_front();
    connections[index].*waits = false;
    if (!connections[index].fd) continue;
    const uint64_t piece = std::min(pacer.piece(), static_cast<uint64_t>(credit));
    if ((this->*move)(index, piece)) enqueue(index);
  }
}

void Endpoint::Loop::end_pauses() {
  const uint64_t now = pauses.empty() ? 0 : monotonic_ns();
  while (!pauses.empty() && pauses.front().until_ns <= now) {
    const uint32_t index = pauses.front().index;
    pauses.pop_front();
    connections[index].pausing = false;
    enqueue(index);
  }
}

void Endpoint::Loop::watch(int fd, uint32_t events, uint64_t tag) {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == -1) throw SystemError("epoll_ctl", "");
}

void Endpoint::Loop::wait_for_events() {
  std::array<epoll_event, kEventsAtOnce> events;
  const int count = epoll_wait(epoll.get(), events.data(), kEventsAtOnce, idle() ? -1 : 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    switch (event.data.u64) {
      case kTimerTag: {
        uint64_t expirations;
        if (read(timer.get(), &expirations, sizeof(expirations)) > 0) sample();
        if (starved) listen_again();
        break;
      }
      case kPaceTag: {
        uint64_t expirations;
        if (read(pace_timer.get(), &expirations, sizeof(expirations)) < 0) break;
        break;
      }
      case kWakeTag:
        take_command();
        break;
      case kListenerTag:
        accept_more();
        break;
      default:
        take_event(static_cast<uint32_t>(event.data.u64), event.events);
    }
  }
}

void Endpoint::Loop::take_command() {
  uint64_t count;
  if (read(e.wake_.get(), &count, sizeof(count)) < 0) return;
  if (e.overwrite_.exchange(false)) overwrite_all();
  for (uint32_t i = 0; i < opened; ++i) enqueue(i);
  if (e.stop_) abandon_rest();
}

void Endpoint::Loop::enqueue(uint32_t index) {
  if (connections[index].queued) return;
  connections[index].queued = true;
  queue.push_back(index);
}

void Endpoint::Loop::sample() {
  const std::lock_guard lock(e.series_mutex_);
  e.series_.push_back({monotonic_ns(), e.stats_.received.get(), e.stats_.sent.get()});
}

}  // namespace splicebench
