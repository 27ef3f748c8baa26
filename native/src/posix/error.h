// Errors of set-up code. Hot loops return errno values instead of throwing.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace splicebench {

// A system call that failed: which, on what, and errno.
class SystemError : public std::runtime_error {
 public:
  SystemError(const std::string& call, const std::string& subject, int code = errno)
      : std::runtime_error(call + (subject.empty() ? "" : " " + subject) + ": " + strerror(code)),
        code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

// "ECONNRESET" for a number; "E<number>" where libc knows no name.
inline std::string errno_name(int code) {
  const char* name = strerrorname_np(code);
  return name ? name : "E" + std::to_string(code);
}

}  // namespace splicebench
