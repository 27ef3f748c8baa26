#include "counters/sys.h"

namespace splicebench {

const char* call_name(Call call) {
  static constexpr std::array<const char*, kCalls> kNames = {"splice",
                                                             "recvfrom",
                                                             "sendto",
                                                             "epoll_wait",
                                                             "epoll_ctl",
                                                             "epoll_create1",
                                                             "pselect6",
                                                             "accept4",
                                                             "socket",
                                                             "connect",
                                                             "shutdown",
                                                             "close",
                                                             "pipe2",
                                                             "fcntl",
                                                             "getsockopt",
                                                             "setsockopt",
                                                             "read",
                                                             "mmap",
                                                             "madvise",
                                                             "munmap",
                                                             "recvmsg",
                                                             "vmsplice",
                                                             "tee",
                                                             "sendfile",
                                                             "write",
                                                             "pwrite64",
                                                             "openat",
                                                             "bpf",
                                                             "ioctl",
                                                             "io_uring_setup",
                                                             "io_uring_enter",
                                                             "io_uring_register",
                                                             "io_uring:recv",
                                                             "io_uring:send",
                                                             "io_uring:send_zc",
                                                             "io_uring:splice",
                                                             "io_uring:poll",
                                                             "io_uring:cancel"};
  return kNames[static_cast<size_t>(call)];
}

}  // namespace splicebench
