// Counts the system calls of a task through the kernel's raw_syscalls:sys_enter tracepoint.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "posix/fd.h"

namespace splicebench {

class PerfSyscalls {
 public:
  // tracepoint: the id that tracefs gives for raw_syscalls:sys_enter. task: a thread id; with
  // `inherit`, what it starts later is counted too. On failure `ok()` is false and `error()` says
  // why ("perf_event_open: Permission denied").
  PerfSyscalls(uint64_t tracepoint, pid_t task, bool inherit);
  bool ok() const { return static_cast<bool>(fd_); }
  const std::string& error() const { return error_; }
  // System calls entered since construction; nullopt when unavailable or when the kernel had to
  // multiplex the counter (then the number would be an estimate).
  std::optional<uint64_t> count() const;
  // Ends the counting; count() is nullopt from then on.
  void close() { fd_.reset(); }

 private:
  Fd fd_;
  std::string error_;
};

}  // namespace splicebench
