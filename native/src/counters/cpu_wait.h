// Whether something else wants a CPU now: how long a thread waits for it that has offered it to
// others.
//
// Other work does not show in the traffic's own figures: a mechanism that leaves half of its CPU
// idle loses nothing to it, one that needs the whole CPU half of its speed.
#pragma once

#include <optional>
#include <vector>

namespace splicebench {

// Nanoseconds until a new thread on each of the CPUs, all at once, has got its CPU, and has it
// again after it has yielded it a few times: a tenth of a millisecond where nothing else wants it,
// else as long as the others run, which is milliseconds. nullopt where a thread may not run on its
// CPU.
std::vector<std::optional<double>> cpu_wait_ns(const std::vector<int>& cpus);

}  // namespace splicebench
