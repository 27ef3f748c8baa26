// How fast bytes are made and checked, against memcpy of the same bytes. Every function runs a
// number of passes over one buffer and returns the nanoseconds they took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "stream/stamp.h"

namespace splicebench {

class MemoryBench {
 public:
  // A stamped buffer of `size` bytes and room for a copy of it. Throws std::bad_alloc.
  explicit MemoryBench(size_t size);

  uint64_t copy(uint64_t passes);
  uint64_t fill(const StampEngine& engine, uint64_t passes);
  // Throws std::runtime_error when the buffer does not match: it always should.
  uint64_t match(const StampEngine& engine, uint64_t passes);

 private:
  StampKey key_;
  size_t size_;
  std::unique_ptr<uint8_t[]> stamped_;
  std::unique_ptr<uint8_t[]> other_;
};

}  // namespace splicebench
