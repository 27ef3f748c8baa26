#include "counters/core_work.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "counters/clock.h"
#include "posix/affinity.h"

namespace splicebench {
namespace {

constexpr uint32_t kSteps = 12'000;
constexpr int kTries = 5;

// Six additions a step that do not wait for each other: as many as the widest cores do at once.
void work() {
  uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
  for (uint32_t step = 0; step < kSteps; ++step) {
    a += b ^ step;
    b += c ^ step;
    c += d ^ step;
    d += e ^ step;
    e += f ^ step;
    f += step;
    // Every step is done, and none is foreseen.
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
  }
}

double best() {
  double best = std::numeric_limits<double>::infinity();
  for (int count = 0; count < kTries; ++count) {
    const uint64_t begin = monotonic_ns();
    work();
    best = std::min(best, static_cast<double>(monotonic_ns() - begin));
  }
  return best;
}

}  // namespace

std::vector<std::optional<double>> core_work_ns(const std::vector<int>& cpus) {
  return on_each(cpus, best);
}

}  // namespace splicebench
