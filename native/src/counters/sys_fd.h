// Owns a descriptor whose close is a call of a forwarder: made through Sys, so that it is counted
// like every other. `Fd` (posix) is for all others.
#pragma once

#include <utility>

#include "counters/sys.h"

namespace splicebench {

class SysFd {
 public:
  SysFd() = default;
  // `fd` as the call that made it returned it: a negative errno is kept as it is, and nothing is
  // owned.
  SysFd(Sys& sys, int fd) : sys_(&sys), fd_(fd) {}
  SysFd(SysFd&& other) noexcept : sys_(other.sys_), fd_(std::exchange(other.fd_, -1)) {}
  SysFd& operator=(SysFd&& other) noexcept {
    if (this != &other) {
      reset();
      sys_ = other.sys_;
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~SysFd() { reset(); }

  // Negative when nothing is owned.
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) sys_->close(std::exchange(fd_, -1));
  }

 private:
  Sys* sys_ = nullptr;
  int fd_ = -1;
};

}  // namespace splicebench
