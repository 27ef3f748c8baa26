// A rate that a loop keeps, in total over its connections: credit grows with time and is spent by
// the piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace splicebench {

class Pacer {
 public:
  // 0 = no limit.
  explicit Pacer(uint64_t bytes_per_second) : rate_(static_cast<double>(bytes_per_second)) {}

  bool limits() const { return rate_ > 0; }
  // Bytes that may pass now; not positive = none. The clock starts with the first call.
  int64_t credit(uint64_t now_ns);
  // May exceed the credit: what follows then waits for so much longer.
  void spend(uint64_t bytes) { spent_ += static_cast<double>(bytes); }
  // The most at once, so that connections take turns and the rate is even within milliseconds.
  uint64_t piece() const;
  // What one of those who wait may move now: a whole piece, or 0. Less would make segments of a few
  // bytes, and a loop that never sleeps.
  uint64_t grant(uint64_t now_ns);
  // Time from now until there is credit worth waking for.
  uint64_t wait_ns(uint64_t now_ns);

  // Who waits for credit, in the order of coming: nobody goes ahead of them.
  std::deque<uint32_t> waiting;

 private:
  double rate_;
  double spent_ = 0;
  uint64_t start_ns_ = 0;
};

}  // namespace splicebench
