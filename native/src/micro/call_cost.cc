#include "micro/call_cost.h"

#include <sys/socket.h>

#include "counters/clock.h"
#include "posix/error.h"

namespace splicebench {

CallCost::CallCost() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) {
    throw SystemError("socketpair", "");
  }
  near_ = Fd(ends[0]);
  far_ = Fd(ends[1]);
  if (send(near_.get(), "x", 1, MSG_NOSIGNAL) != 1) throw SystemError("send", "");
}

uint64_t CallCost::run(CallBook book, uint64_t calls) {
  char byte;
  const int fd = far_.get();
  Sys& sys = book == CallBook::kRecorded ? recorded_ : counted_;
  const uint64_t start = monotonic_ns();
  if (book == CallBook::kNone) {
    for (uint64_t i = 0; i < calls; ++i) {
      if (recv(fd, &byte, 1, MSG_PEEK) != 1) throw SystemError("recv", "");
    }
  } else {
    for (uint64_t i = 0; i < calls; ++i) {
      if (sys.recv(fd, &byte, 1, MSG_PEEK, {0, i}) != 1) throw SystemError("recv", "");
    }
  }
  return monotonic_ns() - start;
}

}  // namespace splicebench
