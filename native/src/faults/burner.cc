#include "faults/burner.h"

#include <algorithm>

#include "counters/clock.h"

namespace splicebench {

namespace {

// Reading the clock is a system call: once for each piece it took the relay half as much again as
// what was to be burned.
constexpr uint32_t kPieces = 16;

}  // namespace

void Burner::burn() {
  if (percent_ == 0 || ++pieces_ % kPieces != 0) return;
  const uint64_t entered = thread_cpu_ns();
  if (begin_ == 0) begin_ = entered;
  const uint64_t burned = burned_.get();
  const uint64_t otherwise = entered - std::min(entered, begin_ + burned);
  const uint64_t due = otherwise * percent_ / 100;
  // The twin makes none of these calls: the first one counts as well.
  uint64_t now = entered;
  uint64_t readings = 0;
  while (burned + (now - entered) + reading_ < due) {
    now = thread_cpu_ns();
    ++readings;
  }
  // An interrupt makes one longer: the least is what it takes.
  const uint64_t each = readings == 0 ? reading_ : (now - entered) / readings;
  reading_ = reading_ == 0 ? each : std::min(reading_, each);
  burned_.add(now - entered + reading_);
}

}  // namespace splicebench
