// The client of exchanges: when each request is sent, and how long its response took.
//
// In the open loop request k is due at start + k / rate, whatever became of those before it, and
// its latency counts from there: a stall of the forwarder is paid by every request that fell due
// meanwhile, sent or not ("How NOT to Measure Latency", G. Tene: no coordinated omission). Requests
// go to the connection that has been free the longest; when none is, they wait.

#include <sys/timerfd.h>

#include <algorithm>
#include <deque>

#include "counters/clock.h"
#include "endpoint/exchange.h"
#include "posix/error.h"

namespace splicebench {
namespace {

// Requests that were due and never sent are recorded one by one, up to so many.
constexpr uint64_t kMostUnsent = 10'000'000;

class ExchangeClient final : public Exchange {
 public:
  explicit ExchangeClient(ExchangeOptions options)
      : Exchange(std::move(options)),
        timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
        calls_(options_.connections) {
    if (!timer_) throw SystemError("timerfd_create", "");
  }

 private:
  struct Call {
    uint64_t began = 0;
    uint64_t made = 0;  // requests of this connection
    bool under_way = false;
  };

  void connected(uint32_t index) override { issue(index, monotonic_ns()); }

  void received(uint32_t index, uint64_t total, uint64_t now) override {
    Call& call = calls_[index];
    if (!call.under_way || total < call.made * options_.response) return;
    call.under_way = false;
    exchanges_.completed.add(1);
    window().record(call.began, now);
    if (stopped_) {
      finish(index);
    } else if (go_ && rate_now_ == 0 && paced_ == paces_) {
      issue(index, now);
    } else {
      free_.push_back(index);
    }
  }

  void turn() override {
    if (stopped_) return;
    if (stop_) return stop_issuing();
    if (!go_) return;
    if (!watched_) {
      watch(timer_.get(), EPOLLIN | EPOLLET, kPaceTag);
      watched_ = true;
    }
    if (paced_ != paces_) {
      paced_ = paces_;
      rate_now_ = rate_;
      start_ = monotonic_ns();
      next_ = 0;
    }
    while (!free_.empty()) {
      const uint64_t now = monotonic_ns();
      const uint64_t due = rate_now_ == 0 ? now : due_at(next_);
      if (due > now) return sleep_until(due);
      const uint32_t index = free_.front();
      free_.pop_front();
      if (has_ended(index)) continue;
      ++next_;
      issue(index, due);
    }
  }

  void issue(uint32_t index, uint64_t began) {
    Call& call = calls_[index];
    call = {.began = began, .made = call.made + 1, .under_way = true};
    exchanges_.issued.add(1);
    allow(index, call.made * options_.request);
  }

  void stop_issuing() {
    stopped_ = true;
    const uint64_t now = monotonic_ns();
    if (rate_now_ != 0) {
      for (uint64_t n = 0; n < kMostUnsent && due_at(next_) <= now; ++n, ++next_) {
        exchanges_.unsent.add(1);
        window().record(due_at(next_), now);
      }
    }
    for (uint32_t i = 0; i < opened(); ++i) {
      if (!calls_[i].under_way) finish(i);
    }
  }

  uint64_t due_at(uint64_t k) const {
    return start_ + static_cast<uint64_t>(static_cast<double>(k) * 1e9 / rate_now_);
  }

  void sleep_until(uint64_t due) {
    const itimerspec at{
        {0, 0},
        {static_cast<time_t>(due / 1'000'000'000u), static_cast<long>(due % 1'000'000'000u)}};
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
  }

  Fd timer_;
  bool watched_ = false;
  std::vector<Call> calls_;
  std::deque<uint32_t> free_;
  bool stopped_ = false;
  uint32_t paced_ = 0;
  double rate_now_ = 0;
  uint64_t start_ = 0;
  uint64_t next_ = 0;  // the next request of this pace
};

}  // namespace

std::unique_ptr<Exchange> make_exchange_client(ExchangeOptions options) {
  return std::make_unique<ExchangeClient>(std::move(options));
}

}  // namespace splicebench
