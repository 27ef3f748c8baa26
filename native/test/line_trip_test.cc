// The cache line's round trip between CPUs.
#include "counters/line_trip.h"

#include <sched.h>

#include <vector>

#include "testing.h"

using namespace splicebench;

namespace {

std::vector<int> own_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  sched_getaffinity(0, sizeof(cpus), &cpus);
  std::vector<int> list;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &cpus)) list.push_back(cpu);
  }
  return list;
}

}  // namespace

int main() {
  const std::vector<int> cpus = own_cpus();
  if (cpus.size() >= 2) {
    // One try can find a CPU taken.
    std::optional<double> trip;
    for (int tries = 0; tries < 100 && !trip; ++tries) trip = line_trip_ns(cpus[0], cpus[1]);
    CHECK(trip.has_value());
    // Less than a nanosecond is no trip; more than the patience no answer.
    CHECK(trip.value_or(0) > 1);
    CHECK(trip.value_or(0) < 3e6);
  } else {
    // Both threads would wait for the same CPU.
    CHECK(!line_trip_ns(cpus[0], cpus[0]).has_value());
  }
  CHECK(!line_trip_ns(cpus[0], CPU_SETSIZE - 1).has_value());
  CHECK(!line_trip_ns(CPU_SETSIZE - 1, cpus[0]).has_value());
  CHECK(!line_trip_ns(-1, cpus[0]).has_value());
  CHECK(!line_trip_ns(cpus[0], CPU_SETSIZE).has_value());
  printf("line_trip_test: %s\n", testing::failures ? "FAILED" : "ok");
  return testing::failures != 0;
}
