// Counts every incident and keeps the first ones. One thread writes; any may read the totals.
#pragma once

#include <atomic>
#include <utility>

#include "stream/check.h"

namespace splicebench {

class IncidentLog {
 public:
  explicit IncidentLog(size_t limit) : limit_(limit) {}

  void received(uint64_t bytes) { add(&received_, bytes); }
  void verified(uint64_t bytes) { add(&verified_, bytes); }
  // Bytes taken for verified that turned out to lie past the end of what was sent.
  void unverified(uint64_t bytes) { add(&verified_, ~bytes + 1); }
  void count(IncidentClass kind, uint64_t length);

  // Whether one more would be kept: else there is no need to describe it.
  bool wants() const { return kept_.size() < limit_; }
  void keep(Incident incident);

  CheckTotals totals() const;
  const std::vector<Incident>& kept() const { return kept_; }

 private:
  using Counter = std::atomic<uint64_t>;
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  // One writer: no read-modify-write needed.
  static void add(Counter* counter, uint64_t n) {
    counter->store(counter->load(kRelaxed) + n, kRelaxed);
  }

  size_t limit_;
  Counter received_{0}, verified_{0}, corrupted_{0}, missing_{0}, extra_{0}, incidents_{0};
  std::array<Counter, kIncidentClasses> by_class_{};
  std::vector<Incident> kept_;
};

}  // namespace splicebench
