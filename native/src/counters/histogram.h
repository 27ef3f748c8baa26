// A log-linear histogram, as HDR histograms are: exact below kLinear, then every power of two is
// cut into kLinear / 2 equal buckets, so that a value is known to 1 in 512 whatever its size.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace splicebench {

class Histogram {
 public:
  static constexpr unsigned kLinearBits = 10;
  static constexpr uint64_t kLinear = uint64_t{1} << kLinearBits;
  // Above 2^44 ns (five hours) values count as that.
  static constexpr unsigned kTopBits = 44;
  static constexpr uint64_t kTop = (uint64_t{1} << kTopBits) - 1;

  Histogram() : counts_(index_of(kTop) + 1) {}

  void record(uint64_t value, uint64_t times = 1) {
    value = std::min(value, kTop);
    counts_[index_of(value)] += times;
    count_ += times;
    sum_ += static_cast<double>(value) * static_cast<double>(times);
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  uint64_t count() const { return count_; }
  uint64_t min() const { return count_ == 0 ? 0 : min_; }
  uint64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

  // The least recorded value that a share of all, 0 to 1, does not exceed: that of rank
  // ceil(share * count), rounded up to the end of its bucket but never above the maximum. 0 when
  // empty.
  uint64_t percentile(double share) const {
    if (count_ == 0) return 0;
    const auto exact = std::ceil(share * static_cast<double>(count_));
    const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(exact), 1, count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= rank) return std::min(last_of(i), max_);
    }
    return max_;
  }

  static size_t index_of(uint64_t value) {
    const auto bits = static_cast<unsigned>(std::bit_width(value));
    if (bits <= kLinearBits) return value;
    const unsigned shift = bits - kLinearBits;
    // The leading bit is always set: kLinear / 2 buckets per power of two.
    return kLinear + (shift - 1) * (kLinear / 2) + ((value >> shift) - kLinear / 2);
  }

  // The largest value of a bucket.
  static uint64_t last_of(size_t index) {
    if (index < kLinear) return index;
    const size_t above = index - kLinear;
    const auto shift = static_cast<unsigned>(above / (kLinear / 2) + 1);
    const uint64_t first = (above % (kLinear / 2) + kLinear / 2) << shift;
    return first + (uint64_t{1} << shift) - 1;
  }

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ = 0;
  uint64_t min_ = UINT64_MAX;
  uint64_t max_ = 0;
};

}  // namespace splicebench
