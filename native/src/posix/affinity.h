// Where threads run.
#pragma once

#include <functional>
#include <optional>
#include <vector>

namespace splicebench {

// From now on the calling thread runs on this CPU only. False where it may not, or there is no such
// CPU.
bool run_on(int cpu);

// What `measure` returns on each of the CPUs, in a thread of its own, all at once; nullopt where a
// thread may not run on its CPU.
std::vector<std::optional<double>> on_each(const std::vector<int>& cpus,
                                           const std::function<double()>& measure);

}  // namespace splicebench
