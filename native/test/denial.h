// System calls that fail, by a seccomp filter.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace splicebench::testing {

// From now on a system call fails, always or only with one value of its second argument: for the
// calling thread and those it makes, or for all of this process. False = that cannot be done here.
// It cannot be undone.
inline bool deny(int number, int error, int64_t second = -1, bool all_threads = false) {
  const auto load = [](size_t offset) {
    return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
  };
  const auto unless = [](uint32_t value, uint8_t skip) {
    return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
  };
  const auto give = [](uint32_t action) { return sock_filter BPF_STMT(BPF_RET | BPF_K, action); };
  std::vector<sock_filter> filter = {load(offsetof(seccomp_data, nr)),
                                     unless(static_cast<uint32_t>(number), second < 0 ? 1 : 3)};
  if (second >= 0) {
    filter.push_back(load(offsetof(seccomp_data, args) + 8));
    filter.push_back(unless(static_cast<uint32_t>(second), 1));
  }
  filter.push_back(give(SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)));
  filter.push_back(give(SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, all_threads ? SECCOMP_FILTER_FLAG_TSYNC : 0,
                 &program) == 0;
}

}  // namespace splicebench::testing
