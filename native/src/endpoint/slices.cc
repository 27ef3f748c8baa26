#include "endpoint/slices.h"

#include <algorithm>
#include <chrono>

namespace splicebench {
namespace {

// How often a wait looks whether anything moves.
constexpr std::chrono::milliseconds kLook{20};

}  // namespace

Slices::Slices(uint32_t arms) : count_(arms), arms_(std::make_unique<ArmStats[]>(arms)) {}

void Slices::order(const SliceOrder& order) {
  const std::lock_guard lock(mutex_);
  ordered_ = order;
  ++orders_;
  awaited_ = UINT64_MAX;
}

SliceFigures Slices::wait_sent(uint64_t patience_ns) {
  std::unique_lock lock(mutex_);
  const ArmStats& arm = arms_[ordered_.arm];
  const auto longest =
      std::chrono::nanoseconds(ordered_.settle_ns + ordered_.measure_ns + patience_ns);
  const bool given = changed_.wait_for(
      lock, longest, [&] { return given_ == orders_ || over_ || arm.ended.get() > 0; });
  return figures(given && given_ == orders_);
}

SliceFigures Slices::wait_received(uint64_t total, uint64_t stall_ns) {
  std::unique_lock lock(mutex_);
  const ArmStats& arm = arms_[ordered_.arm];
  // The loop looks at `awaited_` after it has counted, this thread counts after it has said what it
  // waits for: both change it, so that the later of the two sees what the earlier one did before.
  awaited_.exchange(total);
  uint64_t seen = arm.received.get();
  uint64_t still = 0;
  const auto look = static_cast<uint64_t>(std::chrono::nanoseconds(kLook).count());
  while (arm.received.get() < total && arm.ended.get() == 0 && !over_ && still < stall_ns) {
    changed_.wait_for(lock, kLook);
    const uint64_t now = arm.received.get();
    still = now == seen ? still + look : 0;
    seen = now;
  }
  return figures(arm.received.get() >= total);
}

SliceFigures Slices::figures(bool complete) const {
  const ArmStats& arm = arms_[ordered_.arm];
  SliceFigures seen;
  seen.sent = arm.sent.get();
  seen.received = arm.received.get();
  seen.first_ns = first_ns_.get();
  seen.from_ns = from_ns_.get();
  seen.last_ns = last_ns_.get();
  const bool passed = to_ns_.get() != 0;
  seen.to_ns = passed ? to_ns_.get() : last_ns_.get();
  if (seen.from_ns != 0) {
    seen.bytes = (passed ? to_bytes_.get() : seen.received) - from_bytes_.get();
  }
  seen.incidents = arm.incidents.get();
  seen.complete = complete;
  seen.ended = arm.ended.get() > 0;
  return seen;
}

bool Slices::take(SliceOrder& order) {
  const std::lock_guard lock(mutex_);
  if (taken_ == orders_) return false;
  taken_ = orders_;
  current_ = order = ordered_;
  for (Counter* mark : {&first_ns_, &from_ns_, &from_bytes_, &to_ns_, &to_bytes_, &last_ns_}) {
    mark->set(0);
  }
  return true;
}

void Slices::note_received(uint32_t index, uint64_t size, uint64_t now) {
  ArmStats& arm = arms_[index];
  arm.received.add(size);
  if (taken_ == 0 || index != current_.arm) return;
  last_ns_.set(now);
  if (first_ns_.get() == 0) first_ns_.set(now);
  const uint64_t since = now - first_ns_.get();
  if (from_ns_.get() == 0) {
    if (since >= current_.settle_ns) {
      from_bytes_.set(arm.received.get());
      from_ns_.set(now);
    }
  } else if (to_ns_.get() == 0 && since >= current_.settle_ns + current_.measure_ns) {
    to_bytes_.set(arm.received.get());
    to_ns_.set(now);
  }
  if (arm.received.get() < awaited_.fetch_add(0)) return;
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Slices::note_ended(uint32_t arm) {
  const std::lock_guard lock(mutex_);
  arms_[arm].ended.add(1);
  changed_.notify_all();
}

void Slices::sending_over() {
  const std::lock_guard lock(mutex_);
  given_ = taken_;
  changed_.notify_all();
}

void Slices::loop_over() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  changed_.notify_all();
}

}  // namespace splicebench
