// Tells how many bytes each kind of system call of a task has moved, from samples of the kernel's
// raw_syscalls:sys_exit tracepoint.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "posix/fd.h"

namespace splicebench {

// Calls that move bytes, by name as strace has them; a call's return value is its bytes. Of
// io_uring_enter it is operations, whose bytes nothing tells.
struct MovingCall {
  const char* name;
  long number;
};
constexpr size_t kMovingCalls = 14;
const std::array<MovingCall, kMovingCalls>& moving_calls();

class PerfMoved {
 public:
  struct Sum {
    uint64_t calls = 0;
    uint64_t bytes = 0;
  };

  // tracepoint: the id that tracefs gives for raw_syscalls:sys_exit. task: a thread id; what it
  // starts later is not sampled. On failure `ok()` is false and `error()` says why.
  PerfMoved(uint64_t tracepoint, pid_t task);
  ~PerfMoved();
  PerfMoved(const PerfMoved&) = delete;
  PerfMoved& operator=(const PerfMoved&) = delete;
  bool ok() const { return ring_ != nullptr; }
  const std::string& error() const { return error_; }
  // Takes what was sampled since the last time; the ring holds some ten thousand calls.
  void take();
  // Of calls that succeeded with more than 0, in the order of moving_calls().
  const std::array<Sum, kMovingCalls>& sums() const { return sums_; }
  // Samples that found the ring full: what was counted is a part of what there was.
  uint64_t lost() const { return lost_; }
  // Ends the sampling; take() finds nothing from then on.
  void close();

 private:
  // The call that failed, with its errno; null when it is open.
  const char* open(uint64_t tracepoint, pid_t task);
  void record(const unsigned char* data, size_t length);

  Fd fd_;
  void* ring_ = nullptr;
  size_t bytes_ = 0;
  std::string error_;
  std::array<Sum, kMovingCalls> sums_{};
  uint64_t lost_ = 0;
};

}  // namespace splicebench
