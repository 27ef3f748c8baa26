// The latencies of what began within the measured window. By its beginning, not by its end: what is
// still under way when the window ends belongs to it, or the longest would be missing.
#pragma once

#include <atomic>
#include <cstdint>

#include "counters/histogram.h"

namespace splicebench {

class LatencyWindow {
 public:
  // From any thread.
  void begin(uint64_t now) { begin_.store(now, std::memory_order_relaxed); }
  void end(uint64_t now) { end_.store(now, std::memory_order_relaxed); }

  // By the loop alone.
  void record(uint64_t began, uint64_t now) {
    if (holds(began)) histogram_.record(now > began ? now - began : 0);
  }
  bool holds(uint64_t began) const {
    return began >= begin_.load(std::memory_order_relaxed) &&
           began < end_.load(std::memory_order_relaxed);
  }

  // After the loop has ended.
  const Histogram& histogram() const { return histogram_; }

 private:
  std::atomic<uint64_t> begin_{UINT64_MAX};
  std::atomic<uint64_t> end_{UINT64_MAX};
  Histogram histogram_;
};

}  // namespace splicebench
