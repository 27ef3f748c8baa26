// Numbers written by one thread and read by others while it runs.
#pragma once

#include <atomic>
#include <cstdint>

namespace splicebench {

// Single writer, any readers. Compiles to a plain add: no lock prefix.
class Counter {
 public:
  void add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace splicebench
