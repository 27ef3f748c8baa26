// The kernel's own threads that do what a ring cannot do without blocking (io-wq): splice, above
// all. They appear as threads of this process, named iou-wrk-*.
#pragma once

#include <cstdint>

#include "uring/ring.h"

namespace splicebench::uring {

// At most `count` of each kind, on the CPUs of the calling thread. 0, or a negative errno.
int confine_workers(Ring& ring, uint32_t count);

// What all such threads of this process have used so far, ns: the clock of the thread that submits
// knows nothing of them. Those that have ended no longer count; the last one of a ring stays as
// long as the thread that submits.
uint64_t workers_cpu_ns();

}  // namespace splicebench::uring
