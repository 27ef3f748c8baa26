// What this kernel lacks for a mechanism, found out by trying it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "uring/ring.h"

namespace splicebench::uring {

struct Needs {
  std::vector<uint8_t> operations;
  bool receive = false;  // a multishot receive into provided buffers
  bool usage = false;    // zero-copy sends that report whether they copied
  bool workers = false;  // limits for the kernel's threads
};

// Names what is missing, and the Linux that has it; empty when nothing is. Leaves nothing behind.
std::string missing(const Needs& needs);

// Opens a ring of the size that the relay loop wants. Throws SystemError.
void open_for_relay(Ring& ring);

}  // namespace splicebench::uring
