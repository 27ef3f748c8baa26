#include "endpoint/pacer.h"

#include <algorithm>

namespace splicebench {
namespace {

// A loop that woke for every piece would spend its time on waking.
constexpr double kTick = 250e-6;
// What was missed, because the other side or the scheduler held the loop up, is caught up with to
// this much and no more: a burst of seconds would be another workload.
constexpr double kCatchUp = 50e-3;
constexpr double kLeastPiece = 1;
constexpr double kMostPiece = 64 << 10;

}  // namespace

int64_t Pacer::credit(uint64_t now_ns) {
  if (start_ns_ == 0) start_ns_ = now_ns;
  const double earned = static_cast<double>(now_ns - start_ns_) * 1e-9 * rate_;
  spent_ = std::max(spent_, earned - std::max(kCatchUp * rate_, 2 * kLeastPiece));
  return static_cast<int64_t>(earned - spent_);
}

uint64_t Pacer::piece() const {
  return static_cast<uint64_t>(std::clamp(rate_ * kTick, kLeastPiece, kMostPiece));
}

uint64_t Pacer::grant(uint64_t now_ns) {
  const uint64_t whole = piece();
  const int64_t has = credit(now_ns);
  return has >= static_cast<int64_t>(whole) ? whole : 0;
}

uint64_t Pacer::wait_ns(uint64_t now_ns) {
  const double wanted = std::max(rate_ * kTick, kLeastPiece);
  const double missing = wanted - static_cast<double>(credit(now_ns));
  return static_cast<uint64_t>(std::max(missing / rate_, 1e-6) * 1e9);
}

}  // namespace splicebench
