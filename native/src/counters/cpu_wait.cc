#include "counters/cpu_wait.h"

#include <sched.h>

#include "counters/clock.h"
#include "posix/affinity.h"

namespace splicebench {
namespace {

// A thread that has just come may be given its CPU back once, whoever waits.
constexpr int kYields = 4;

}  // namespace

std::vector<std::optional<double>> cpu_wait_ns(const std::vector<int>& cpus) {
  const uint64_t begin = monotonic_ns();
  return on_each(cpus, [begin] {
    for (int count = 0; count < kYields; ++count) sched_yield();
    return static_cast<double>(monotonic_ns() - begin);
  });
}

}  // namespace splicebench
