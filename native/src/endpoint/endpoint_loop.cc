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
constexpr uint64_t kSliceTag = UINT64_MAX - 4;
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
      receiving(options.receive_rate),
      arms(e.slices_.count()),
      opened(arms, 0),
      starved(arms, false) {
  const size_t all = size_t{arms} * options.connections;
  connections.resize(all);
  e.results_.resize(all);
  e.receivers_.resize(all);
  for (const ArmOptions& arm : options.arms) e.pages_.push_back(parts.pages(arm));
}

void Endpoint::Loop::run() {
  // Refused: the loop works all the same, it only pays for more changes between the two.
  const sched_param none{};
  if (options.batch) pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
  epoll = Fd(epoll_create1(EPOLL_CLOEXEC));
  timer = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  pace_timer = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  slice_timer = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!epoll || !timer || !pace_timer || !slice_timer) throw SystemError("epoll_create1", "");
  const itimerspec every{{0, kSampleNs}, {0, kSampleNs}};
  timerfd_settime(timer.get(), 0, &every, nullptr);
  watch(timer.get(), EPOLLIN, kTimerTag);
  watch(pace_timer.get(), EPOLLIN, kPaceTag);
  watch(slice_timer.get(), EPOLLIN, kSliceTag);
  watch(e.wake_.get(), EPOLLIN, kWakeTag);
  if (options.listen) {
    for (uint32_t arm = 0; arm < arms; ++arm) {
      watch(e.listeners_[arm].get(), EPOLLIN, kListenerTag + arm);
    }
  } else {
    connect_more();
  }
  while (!e.stop_now_ && e.stats_.ended.get() < connections.size()) {
    wait_for_events();
    visit_queued();
    grant(sending, &Connection::awaits_send, &Loop::send);
    grant(receiving, &Connection::awaits_receive, &Loop::receive);
    end_pauses();
    await_credit();
  }
  for (uint32_t i = 0; i < connections.size(); ++i) {
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
    const uint64_t piece = pacer.grant(monotonic_ns());
    if (piece == 0) return;
    const uint32_t index = pacer.waiting.front();
    pacer.waiting.pop_front();
    connections[index].*waits = false;
    if (!connections[index].fd) continue;
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
        listen_again();
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
      case kSliceTag: {
        uint64_t expirations;
        if (read(slice_timer.get(), &expirations, sizeof(expirations)) > 0) end_slice();
        break;
      }
      default:
        if (event.data.u64 >= kListenerTag) {
          accept_more(static_cast<uint32_t>(event.data.u64 - kListenerTag));
        } else {
          take_event(static_cast<uint32_t>(event.data.u64), event.events);
        }
    }
  }
}

void Endpoint::Loop::take_command() {
  uint64_t count;
  if (read(e.wake_.get(), &count, sizeof(count)) < 0) return;
  if (e.overwrite_.exchange(false)) overwrite_all();
  for (uint32_t arm = 0; arm < arms; ++arm) {
    if (e.unwanted_[arm].exchange(false)) end_arm(arm);
  }
  begin_slice();
  for (uint32_t i = 0; i < connections.size(); ++i) {
    if (connections[i].fd && (arms == 1 || e.stop_ || arm_of(i) == active)) enqueue(i);
  }
  if (e.stop_) abandon_rest();
}

void Endpoint::Loop::begin_slice() {
  SliceOrder order;
  if (!e.slices_.take(order) || options.arms[order.arm].send == SendMode::kNone) return;
  active = order.arm;
  const uint64_t length = order.settle_ns + order.measure_ns;
  slice_end_ns = monotonic_ns() + length;
  const itimerspec once{
      {0, 0}, {static_cast<time_t>(length / kSecond), static_cast<long>(length % kSecond)}};
  timerfd_settime(slice_timer.get(), 0, &once, nullptr);
}

void Endpoint::Loop::end_slice() {
  if (active == kNoArm || monotonic_ns() < slice_end_ns) return;
  active = kNoArm;
  e.slices_.sending_over();
}

void Endpoint::Loop::end_arm(uint32_t arm) {
  for (uint32_t i = arm * options.connections; i < (arm + 1) * options.connections; ++i) {
    if (connections[i].fd) end(i, ECANCELED);
  }
  abandon_rest(arm);
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
