// Every system call a forwarder makes goes through Sys, which counts it and, for the calls that
// move data, records it. Return values are the kernel's with errno folded in: >= 0 success, else
// -errno.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>

#include "counters/clock.h"
#include "counters/counter.h"
#include "counters/recorder.h"

namespace splicebench {

// Each system call by the name that strace has for it, and each operation of an io_uring: those are
// counted like calls, are none, and have a colon in their names.
// clang-format off
#define SPLICEBENCH_SYSTEM_CALLS(X) \
  X(kSplice, "splice") \
  X(kRecv, "recvfrom") \
  X(kSend, "sendto") \
  X(kEpollWait, "epoll_wait") \
  X(kEpollCtl, "epoll_ctl") \
  X(kEpollCreate, "epoll_create1") \
  X(kSelect, "pselect6") \
  X(kAccept, "accept4") \
  X(kSocket, "socket") \
  X(kConnect, "connect") \
  X(kShutdown, "shutdown") \
  X(kClose, "close") \
  X(kPipe, "pipe2") \
  X(kFcntl, "fcntl") \
  X(kGetsockopt, "getsockopt") \
  X(kSetsockopt, "setsockopt") \
  X(kRead, "read") \
  X(kMmap, "mmap") \
  X(kMadvise, "madvise") \
  X(kMunmap, "munmap") \
  X(kRecvmsg, "recvmsg") \
  X(kVmsplice, "vmsplice") \
  X(kTee, "tee") \
  X(kSendfile, "sendfile") \
  X(kWrite, "write") \
  X(kPwrite, "pwrite64") \
  X(kOpen, "openat") \
  X(kBpf, "bpf") \
  X(kIoctl, "ioctl") \
  X(kUringSetup, "io_uring_setup") \
  X(kUringEnter, "io_uring_enter") \
  X(kUringRegister, "io_uring_register")
#define SPLICEBENCH_OPERATIONS(X) \
  X(kUringRecv, "io_uring:recv") \
  X(kUringSend, "io_uring:send") \
  X(kUringSendZerocopy, "io_uring:send_zc") \
  X(kUringSplice, "io_uring:splice") \
  X(kUringPoll, "io_uring:poll") \
  X(kUringCancel, "io_uring:cancel")
// clang-format on

enum class Call : uint8_t {
#define SPLICEBENCH_ID(id, name) id,
  SPLICEBENCH_SYSTEM_CALLS(SPLICEBENCH_ID) SPLICEBENCH_OPERATIONS(SPLICEBENCH_ID)
#undef SPLICEBENCH_ID
};
#define SPLICEBENCH_ONE(id, name) +1
inline constexpr size_t kSystemCalls = 0 SPLICEBENCH_SYSTEM_CALLS(SPLICEBENCH_ONE);
inline constexpr size_t kCalls = kSystemCalls SPLICEBENCH_OPERATIONS(SPLICEBENCH_ONE);
#undef SPLICEBENCH_ONE
const char* call_name(Call call);
constexpr bool is_system_call(Call call) {
  return static_cast<size_t>(call) < kSystemCalls;
}

// histogram[k] counts calls that moved 2^(k-1) < bytes <= 2^k; [0] those that moved one byte.
struct CallCounter {
  Counter calls;
  Counter eagain;
  Counter bytes;
  std::array<Counter, 32> histogram;
};

// Identifies a stream in the recorder and says where it stands.
struct FlowMark {
  uint32_t flow;
  uint64_t offset;
  CallSide side = CallSide::kIn;
};

class Sys {
 public:
  explicit Sys(bool record) : recorder_(record) {}

  const CallCounter& counter(Call call) const { return counters_[static_cast<size_t>(call)]; }
  const FlightRecorder& recorder() const { return recorder_; }
  FlightRecorder& recorder() { return recorder_; }
  // All that were made, operations left out.
  uint64_t system_calls() const {
    uint64_t sum = 0;
    for (size_t i = 0; i < kCalls; ++i) {
      if (is_system_call(static_cast<Call>(i))) sum += counters_[i].calls.get();
    }
    return sum;
  }

  // Data calls.
  ssize_t splice(int from, int to, size_t size, unsigned flags, FlowMark mark) {
    return data(Call::kSplice, ::splice(from, nullptr, to, nullptr, size, flags), size, mark);
  }
  ssize_t recv(int fd, void* buffer, size_t size, int flags, FlowMark mark) {
    return data(Call::kRecv, ::recv(fd, buffer, size, flags), size, mark);
  }
  // Looks for a byte and takes none: the result is as recv's, and no bytes are counted.
  ssize_t look(int fd) {
    char byte;
    return plain(Call::kRecv, ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT));
  }
  ssize_t send(int fd, const void* buffer, size_t size, int flags, FlowMark mark) {
    return data(Call::kSend, ::send(fd, buffer, size, flags), size, mark);
  }

  ssize_t vmsplice(int to, const void* bytes, size_t size, unsigned flags, FlowMark mark) {
    const iovec piece{.iov_base = const_cast<void*>(bytes), .iov_len = size};
    return data(Call::kVmsplice, ::vmsplice(to, &piece, 1, flags), size, mark);
  }
  ssize_t tee(int from, int to, size_t size, unsigned flags, FlowMark mark) {
    return data(Call::kTee, ::tee(from, to, size, flags), size, mark);
  }
  // `at` is where in the file; it moves on.
  ssize_t splice_to_file(int from, int file, off_t* at, size_t size, unsigned flags,
                         FlowMark mark) {
    return data(Call::kSplice, ::splice(from, nullptr, file, at, size, flags), size, mark);
  }
  ssize_t splice_from_file(int file, off_t* at, int to, size_t size, unsigned flags,
                           FlowMark mark) {
    return data(Call::kSplice, ::splice(file, at, to, nullptr, size, flags), size, mark);
  }
  ssize_t sendfile(int to, int file, off_t* at, size_t size, FlowMark mark) {
    return data(Call::kSendfile, ::sendfile(to, file, at, size), size, mark);
  }
  ssize_t write(int fd, const void* bytes, size_t size, FlowMark mark) {
    return data(Call::kWrite, ::write(fd, bytes, size), size, mark);
  }
  ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at, FlowMark mark) {
    return data(Call::kPwrite, ::pwrite(fd, bytes, size, at), size, mark);
  }

  // Control calls.
  int epoll_wait(int fd, epoll_event* events, int size, int timeout) {
    return plain(Call::kEpollWait, ::epoll_wait(fd, events, size, timeout));
  }
  int epoll_ctl(int epoll, int op, int fd, epoll_event* event) {
    return plain(Call::kEpollCtl, ::epoll_ctl(epoll, op, fd, event));
  }
  int epoll_create() { return plain(Call::kEpollCreate, ::epoll_create1(EPOLL_CLOEXEC)); }
  int select(int size, fd_set* read, fd_set* write, timeval* timeout) {
    return plain(Call::kSelect, ::select(size, read, write, nullptr, timeout));
  }
  // `peer`, where given, has room for any address.
  int accept(int fd, sockaddr_storage* peer = nullptr) {
    socklen_t size = sizeof(*peer);
    return plain(Call::kAccept, ::accept4(fd, reinterpret_cast<sockaddr*>(peer),
                                          peer ? &size : nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  int socket(int family) {
    return plain(Call::kSocket,
                 ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  }
  int connect(int fd, const sockaddr* address, socklen_t size) {
    return plain(Call::kConnect, ::connect(fd, address, size));
  }
  int shutdown(int fd, int how) { return plain(Call::kShutdown, ::shutdown(fd, how)); }
  int close(int fd) { return plain(Call::kClose, ::close(fd)); }
  int pipe(int ends[2], bool nonblocking = true) {
    return plain(Call::kPipe, ::pipe2(ends, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0)));
  }
  int fcntl(int fd, int op, int argument = 0) {
    return plain(Call::kFcntl, ::fcntl(fd, op, argument));
  }
  int getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
    return plain(Call::kGetsockopt, ::getsockopt(fd, level, name, value, size));
  }
  int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
    return plain(Call::kSetsockopt, ::setsockopt(fd, level, name, value, size));
  }
  ssize_t recvmsg(int fd, msghdr* message, int flags) {
    return plain(Call::kRecvmsg, ::recvmsg(fd, message, flags));
  }
  // A file that is made is its owner's alone.
  int open(const char* path, int flags) {
    return plain(Call::kOpen, ::open(path, flags | O_CLOEXEC, 0600));
  }
  ssize_t read(int fd, void* buffer, size_t size) {
    return plain(Call::kRead, ::read(fd, buffer, size));
  }

  int uring_setup(uint32_t entries, void* params) {
    return plain(Call::kUringSetup, system_call(SYS_io_uring_setup, entries, params));
  }
  int uring_enter(int fd, uint32_t submit, uint32_t least, uint32_t flags, const void* argument,
                  size_t size) {
    return plain(Call::kUringEnter,
                 system_call(SYS_io_uring_enter, fd, submit, least, flags, argument, size));
  }
  int uring_register(int fd, uint32_t what, void* argument, uint32_t count) {
    return plain(Call::kUringRegister,
                 system_call(SYS_io_uring_register, fd, what, argument, count));
  }
  // An operation of an io_uring that has completed: one that moves data, and any other.
  void completed(Call operation, ssize_t result, size_t asked, FlowMark mark) {
    record(operation, count(operation, result), asked, mark);
  }
  void completed(Call operation, ssize_t result) { count(operation, result); }

  // libc has no wrapper for bpf. `attributes` is a bpf_attr (linux/bpf.h) of `size` bytes.
  int bpf(int command, void* attributes, size_t size) {
    return plain(Call::kBpf, static_cast<int>(::syscall(SYS_bpf, command, attributes, size)));
  }
  // Bytes in the socket's send queue, not yet acknowledged: SIOCOUTQ and its like.
  int ioctl(int fd, unsigned long request, int* value) {
    return plain(Call::kIoctl, ::ioctl(fd, request, value));
  }

  // A descriptor's memory, shared, readable and writable. null when that cannot be.
  void* map_shared(int fd, size_t size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    plain(Call::kMmap, memory == MAP_FAILED ? -1 : 0);
    return memory == MAP_FAILED ? nullptr : memory;
  }
  // Anonymous memory, zeroed, in huge pages where the host allows them. null when there is none.
  void* map_memory(size_t size) {
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    plain(Call::kMmap, memory == MAP_FAILED ? -1 : 0);
    if (memory == MAP_FAILED) return nullptr;
    plain(Call::kMadvise, ::madvise(memory, size, MADV_HUGEPAGE));
    return memory;
  }
  // A part of a descriptor's own memory, shared with the kernel. null when there is none.
  void* map_file(int fd, size_t size, uint64_t offset) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                          static_cast<off_t>(offset));
    plain(Call::kMmap, memory == MAP_FAILED ? -1 : 0);
    return memory == MAP_FAILED ? nullptr : memory;
  }
  void unmap_memory(void* memory, size_t size) { plain(Call::kMunmap, ::munmap(memory, size)); }

 private:
  template <typename... Arguments>
  static int system_call(long number, Arguments... arguments) {
    return static_cast<int>(::syscall(number, arguments...));
  }

  template <typename T>
  T plain(Call call, T result) {
    return count(call, result == -1 ? static_cast<T>(-errno) : result);
  }

  template <typename T>
  T count(Call call, T result) {
    CallCounter& counter = counters_[static_cast<size_t>(call)];
    counter.calls.add(1);
    if (result == -EAGAIN) counter.eagain.add(1);
    return result;
  }

  ssize_t data(Call call, ssize_t result, size_t asked, FlowMark mark) {
    return record(call, plain(call, result), asked, mark);
  }

  ssize_t record(Call call, ssize_t result, size_t asked, FlowMark mark) {
    if (result > 0) {
      CallCounter& counter = counters_[static_cast<size_t>(call)];
      const auto moved = static_cast<uint64_t>(result);
      counter.bytes.add(moved);
      counter.histogram[static_cast<size_t>(std::bit_width(moved - 1)) & 31].add(1);
    }
    if (recorder_.recording()) {
      recorder_.add({monotonic_ns(), mark.offset, result,
                     asked > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(asked), mark.flow,
                     call, mark.side});
    }
    return result;
  }

  std::array<CallCounter, kCalls> counters_;
  FlightRecorder recorder_;
};

}  // namespace splicebench
