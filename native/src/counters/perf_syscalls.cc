#include "counters/perf_syscalls.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace splicebench {

PerfSyscalls::PerfSyscalls(uint64_t tracepoint, pid_t task, bool inherit) {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof(attr);
  attr.config = tracepoint;
  attr.inherit = inherit;
  attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  fd_ = Fd(static_cast<int>(syscall(SYS_perf_event_open, &attr, task, -1, -1,
                                    static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC))));
  if (!fd_) error_ = std::string("perf_event_open: ") + strerror(errno);
}

std::optional<uint64_t> PerfSyscalls::count() const {
  uint64_t values[3];  // count, time enabled, time running
  if (!fd_ || read(fd_.get(), values, sizeof(values)) != sizeof(values)) return std::nullopt;
  if (values[1] != values[2]) return std::nullopt;
  return values[0];
}

}  // namespace splicebench
