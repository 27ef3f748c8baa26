// Burns CPU: so many per cent more than the thread uses otherwise. For a relay that is known to be
// dearer than its twin, to see whether a measurement finds that.
#pragma once

#include <cstdint>

#include "counters/counter.h"

namespace splicebench {

class Burner {
 public:
  // 0 = nothing is burned, and no clock is read.
  explicit Burner(uint64_t percent) : percent_(percent) {}

  // After each piece, on the thread that moves the bytes: its own CPU clock decides, at every
  // sixteenth call from the first of these on. What is burned too much there, the next ones burn
  // less.
  void burn();

  // Nanoseconds of CPU so far, by the burning thread; any thread reads it.
  const Counter& burned_ns() const { return burned_; }

 private:
  uint64_t percent_;
  uint32_t pieces_ = 0;
  uint64_t begin_ = 0;    // of the thread's clock
  uint64_t reading_ = 0;  // the least that reading the clock took, ns; 0 = not known yet
  Counter burned_;
};

}  // namespace splicebench
