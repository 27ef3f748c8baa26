// How far apart two CPUs are: the time that a cache line needs from one to the other and back.
//
// Virtual CPUs move. Where the hypervisor puts two of them on cores that share no last level cache,
// everything that one writes and the other reads costs several times as much, for seconds, without
// a tick of stolen time. A copying forwarder then runs at a third of its speed, a splicing one,
// whose CPU touches no byte, hardly slower.
#pragma once

#include <optional>

namespace splicebench {

// Nanoseconds per round trip between the CPUs, of the best of several bursts, so that a pause of
// either thread does not count. nullopt where a thread may not run on its CPU or was not given it
// in time. Blocks for at most some milliseconds, usually half of one.
std::optional<double> line_trip_ns(int first, int second);

}  // namespace splicebench
