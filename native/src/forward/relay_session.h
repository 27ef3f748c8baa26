// What the relay loop of the readiness-based mechanisms keeps of a session.
#pragma once

#include <array>
#include <cstdint>

#include "forward/flow.h"
#include "forward/session_core.h"

namespace splicebench::relay {

struct Socket : SessionSocket {
  bool readable = false;
  bool writable = false;
  bool muted = false;  // bytes that arrive do not wake the loop
};

struct Session : SessionOf<Socket, Flow> {
  uint32_t generation = 0;        // tells events of a closed session from those of its successor
  std::array<bool, 2> waiting{};  // flows that have a time to be visited at
  // Flows that have finished, and whose end may not be passed on yet: nothing but their time brings
  // them on, and to ask before it may itself cause an event.
  std::array<bool, 2> put_off{};

  // A flow that is done gives back at once what it holds.
  bool ended(Side from) const { return !flows[from]; }
  void end(Side from) { flows[from].reset(); }
  void clear() {
    waiting = put_off = {};
    ++generation;
  }
};

// A flow that asked to be visited again at a time.
struct Visit {
  uint64_t due_ns;
  uint64_t tag;  // of the flow's input
  bool operator>(const Visit& other) const { return due_ns > other.due_ns; }
};

}  // namespace splicebench::relay
