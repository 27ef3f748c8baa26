// What the relay loop keeps of a session.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "forward/flow.h"

namespace splicebench::relay {

enum Side : uint8_t { kClient = 0, kUpstream = 1 };

struct Socket {
  int fd = -1;
  bool readable = false;
  bool writable = false;
  bool muted = false;   // bytes that arrive do not wake the loop
  int error = 0;        // taken from the socket already
  bool failed = false;  // an error was reported; whoever reads or writes next will meet it
};

struct Session {
  std::array<Socket, 2> sockets;  // by Side
  // By the side they read from: [kUpstream] is the download direction. Null = that direction ended.
  std::array<std::unique_ptr<Flow>, 2> flows;
  uint32_t generation = 0;  // tells events of a closed session from those of its successor
  bool open = false;
  bool connecting = false;
  bool queued = false;
  std::array<bool, 2> waiting{};  // flows that have a time to be visited at
};

// A flow that asked to be visited again at a time.
struct Visit {
  uint64_t due_ns;
  uint64_t tag;  // of the flow's input
  bool operator>(const Visit& other) const { return due_ns > other.due_ns; }
};

}  // namespace splicebench::relay
