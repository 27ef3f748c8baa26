// How much of its core a CPU has: the time that it needs for work which fills the core's execution
// units.
//
// A virtual CPU is often one of two hardware threads of a core. While the other one works, for
// whoever owns it, each gets a share of the units: everything takes a third to twice as long, and
// nothing is stolen, since the CPU runs all the while.
#pragma once

#include <optional>
#include <vector>

namespace splicebench {

// Nanoseconds of a fixed piece of work on each of the CPUs, all at once; of the best of several, so
// that a pause does not count. nullopt where a thread may not run on its CPU. Takes a tenth of a
// millisecond.
std::vector<std::optional<double>> core_work_ns(const std::vector<int>& cpus);

}  // namespace splicebench
