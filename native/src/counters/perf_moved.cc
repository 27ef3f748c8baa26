#include "counters/perf_moved.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace splicebench {
namespace {

// Data pages of the ring, a power of two.
constexpr size_t kPages = 128;

// The tracepoint's own part of a sample: eight common bytes, the call's number, its result.
struct SysExit {
  uint64_t common;
  int64_t number;
  int64_t result;
};

std::string filter() {
  std::string text = "ret > 0 && (";
  for (const MovingCall& call : moving_calls()) {
    if (text.back() != '(') text += " || ";
    text += "id == " + std::to_string(call.number);
  }
  return text + ")";
}

}  // namespace

const std::array<MovingCall, kMovingCalls>& moving_calls() {
  static constexpr std::array<MovingCall, kMovingCalls> kCalls = {{
      {"splice", SYS_splice},
      {"tee", SYS_tee},
      {"vmsplice", SYS_vmsplice},
      {"sendfile", SYS_sendfile},
      {"recvfrom", SYS_recvfrom},
      {"recvmsg", SYS_recvmsg},
      {"read", SYS_read},
      {"readv", SYS_readv},
      {"sendto", SYS_sendto},
      {"sendmsg", SYS_sendmsg},
      {"write", SYS_write},
      {"writev", SYS_writev},
      {"copy_file_range", SYS_copy_file_range},
      {"io_uring_enter", SYS_io_uring_enter},
  }};
  return kCalls;
}

PerfMoved::PerfMoved(uint64_t tracepoint, pid_t task) {
  if (const char* failed = open(tracepoint, task)) {
    error_ = std::string(failed) + ": " + strerror(errno);
    close();
  }
}

const char* PerfMoved::open(uint64_t tracepoint, pid_t task) {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof(attr);
  attr.config = tracepoint;
  attr.sample_period = 1;
  attr.sample_type = PERF_SAMPLE_RAW;
  attr.disabled = 1;
  fd_ = Fd(static_cast<int>(syscall(SYS_perf_event_open, &attr, task, -1, -1,
                                    static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC))));
  if (!fd_) return "perf_event_open";
  if (ioctl(fd_.get(), PERF_EVENT_IOC_SET_FILTER, filter().c_str()) == -1)
    return "perf_event filter";
  bytes_ = static_cast<size_t>(sysconf(_SC_PAGESIZE)) * (kPages + 1);
  void* ring = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (ring == MAP_FAILED) return "mmap of perf_event";
  ring_ = ring;
  return ioctl(fd_.get(), PERF_EVENT_IOC_ENABLE, 0) == -1 ? "perf_event enable" : nullptr;
}

PerfMoved::~PerfMoved() {
  close();
}

void PerfMoved::close() {
  if (ring_ != nullptr) munmap(ring_, bytes_);
  ring_ = nullptr;
  fd_.reset();
}

void PerfMoved::take() {
  if (ring_ == nullptr) return;
  auto* control = static_cast<perf_event_mmap_page*>(ring_);
  const auto* data = static_cast<const unsigned char*>(ring_) + control->data_offset;
  const uint64_t size = control->data_size;
  // The kernel writes up to data_head, and over nothing behind data_tail.
  const uint64_t head = __atomic_load_n(&control->data_head, __ATOMIC_ACQUIRE);
  uint64_t tail = control->data_tail;
  std::vector<unsigned char> whole;
  while (tail < head) {
    perf_event_header header;
    // Records are aligned to eight bytes, so that a header never crosses the end of the ring.
    std::memcpy(&header, data + tail % size, sizeof(header));
    if (header.size < sizeof(header)) break;
    whole.resize(header.size);
    const uint64_t from = tail % size;
    const size_t first = static_cast<size_t>(std::min<uint64_t>(header.size, size - from));
    std::memcpy(whole.data(), data + from, first);
    std::memcpy(whole.data() + first, data, header.size - first);
    record(whole.data(), whole.size());
    tail += header.size;
  }
  __atomic_store_n(&control->data_tail, head, __ATOMIC_RELEASE);
}

void PerfMoved::record(const unsigned char* data, size_t length) {
  perf_event_header header;
  std::memcpy(&header, data, sizeof(header));
  const unsigned char* body = data + sizeof(header);
  if (header.type == PERF_RECORD_LOST && length >= sizeof(header) + 16) {
    uint64_t lost;
    std::memcpy(&lost, body + 8, sizeof(lost));
    lost_ += lost;
  }
  SysExit seen;
  // The raw part is its length in four bytes, then the tracepoint's own.
  if (header.type != PERF_RECORD_SAMPLE || length < sizeof(header) + 4 + sizeof(seen)) return;
  std::memcpy(&seen, body + 4, sizeof(seen));
  for (size_t index = 0; index < kMovingCalls; index++) {
    if (moving_calls()[index].number != seen.number) continue;
    sums_[index].calls += 1;
    sums_[index].bytes += static_cast<uint64_t>(seen.result);
  }
}

}  // namespace splicebench
