#include "counters/line_trip.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>

#include "counters/clock.h"
#include "posix/affinity.h"

namespace splicebench {
namespace {

constexpr uint32_t kTrips = 64;
constexpr uint32_t kBursts = 16;
constexpr uint64_t kPatienceNs = 3'000'000;
// Spins between two looks at the clock.
constexpr uint32_t kSpins = 64;

// The line, alone in its pair of lines: CPUs fetch the neighbour as well.
struct alignas(128) Line {
  std::atomic<uint32_t> value{0};
  char rest[128 - sizeof(std::atomic<uint32_t>)] = {};
};

// Waits until the line has the value; false when that lasts beyond `deadline`.
bool await(const std::atomic<uint32_t>& line, uint32_t value, uint64_t deadline) {
  for (uint32_t spins = 1; line.load(std::memory_order_acquire) != value; ++spins) {
    if (spins % kSpins == 0 && monotonic_ns() > deadline) return false;
  }
  return true;
}

}  // namespace

std::optional<double> line_trip_ns(int first, int second) {
  if (first < 0 || second < 0 || std::max(first, second) >= CPU_SETSIZE) return std::nullopt;
  Line line;
  std::atomic<bool> ready{false};
  const uint64_t deadline = monotonic_ns() + kPatienceNs;
  double best = std::numeric_limits<double>::infinity();
  std::thread answers([&] {
    if (!run_on(second)) return;
    ready.store(true, std::memory_order_release);
    for (uint32_t trip = 0; trip < kTrips * kBursts; ++trip) {
      if (!await(line.value, 2 * trip + 1, deadline)) return;
      line.value.store(2 * trip + 2, std::memory_order_release);
    }
  });
  std::thread asks([&] {
    if (!run_on(first)) return;
    while (!ready.load(std::memory_order_acquire)) {
      if (monotonic_ns() > deadline) return;
    }
    for (uint32_t burst = 0; burst < kBursts; ++burst) {
      const uint64_t begin = monotonic_ns();
      for (uint32_t trip = burst * kTrips; trip < (burst + 1) * kTrips; ++trip) {
        line.value.store(2 * trip + 1, std::memory_order_release);
        if (!await(line.value, 2 * trip + 2, deadline)) return;
      }
      best = std::min(best, static_cast<double>(monotonic_ns() - begin) / kTrips);
    }
  });
  asks.join();
  answers.join();
  if (best == std::numeric_limits<double>::infinity()) return std::nullopt;
  return best;
}

}  // namespace splicebench
