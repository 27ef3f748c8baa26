// Clocks. All times are nanoseconds.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <ctime>

namespace splicebench {

inline uint64_t nanoseconds(const timespec& t) {
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
}

inline uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return nanoseconds(now);
}

// CPU time of the calling thread, user and system.
inline uint64_t thread_cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return nanoseconds(now);
}

// CPU time of another live thread of this process; 0 when it has ended.
inline uint64_t thread_cpu_ns(pthread_t thread) {
  clockid_t clock;
  timespec now;
  if (pthread_getcpuclockid(thread, &clock) != 0) return 0;
  if (clock_gettime(clock, &now) != 0) return 0;
  return nanoseconds(now);
}

// How long to wait so that `due_ns` (CLOCK_MONOTONIC) has come when the wait is over: rounded up.
inline int ms_until(uint64_t due_ns) {
  const uint64_t now = monotonic_ns();
  return due_ns <= now ? 0 : static_cast<int>((due_ns - now) / 1'000'000 + 1);
}

}  // namespace splicebench
