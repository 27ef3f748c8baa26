// What counting and recording add to one system call that moves data.
#pragma once

#include <cstdint>

#include "counters/sys.h"
#include "posix/fd.h"

namespace splicebench {

enum class CallBook : uint8_t {
  kNone,      // the bare system call
  kCounted,   // through Sys without the flight recorder
  kRecorded,  // through Sys with it
};

class CallCost {
 public:
  // Throws SystemError.
  CallCost();
  // Makes `calls` calls of about the cheapest kind that moves a byte (recv of one byte with
  // MSG_PEEK on a local socket); returns the nanoseconds they took.
  uint64_t run(CallBook book, uint64_t calls);

 private:
  Fd near_;
  Fd far_;
  Sys counted_{false};
  Sys recorded_{true};
};

}  // namespace splicebench
