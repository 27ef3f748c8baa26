#include "micro/memory.h"

#include <cstring>
#include <stdexcept>

#include "counters/clock.h"

namespace splicebench {
namespace {

constexpr uint32_t kConnection = 5;
// Neither at a block's nor at a word's start, as after some odd receive.
constexpr uint64_t kOffset = 1'000'003;

// Makes the compiler believe that the bytes are looked at, so that it leaves no pass out.
void observe(const uint8_t* bytes) {
  asm volatile("" ::"r"(bytes) : "memory");
}

}  // namespace

MemoryBench::MemoryBench(size_t size)
    : key_(1), size_(size), stamped_(new uint8_t[size]), other_(new uint8_t[size]) {
  stamp_engine().fill(key_, kConnection, Direction::kDown, kOffset, stamped_.get(), size_);
  memcpy(other_.get(), stamped_.get(), size_);
}

uint64_t MemoryBench::copy(uint64_t passes) {
  const uint64_t start = monotonic_ns();
  for (uint64_t i = 0; i < passes; ++i) {
    memcpy(other_.get(), stamped_.get(), size_);
    observe(other_.get());
  }
  return monotonic_ns() - start;
}

uint64_t MemoryBench::fill(const StampEngine& engine, uint64_t passes) {
  const uint64_t start = monotonic_ns();
  for (uint64_t i = 0; i < passes; ++i) {
    engine.fill(key_, kConnection, Direction::kDown, kOffset, other_.get(), size_);
    observe(other_.get());
  }
  return monotonic_ns() - start;
}

uint64_t MemoryBench::match(const StampEngine& engine, uint64_t passes) {
  const uint64_t start = monotonic_ns();
  for (uint64_t i = 0; i < passes; ++i) {
    if (engine.match(key_, kConnection, Direction::kDown, kOffset, stamped_.get(), size_) !=
        size_) {
      throw std::runtime_error("match: a stamped buffer does not match itself");
    }
  }
  return monotonic_ns() - start;
}

}  // namespace splicebench
