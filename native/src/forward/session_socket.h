// What every relay loop does to the sockets of a session.
#pragma once

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "counters/sys_fd.h"

namespace splicebench {

// Nagle's delay is for those who make the stream: who passes it on must not add any.
inline void send_at_once(Sys& sys, int fd) {
  const int one = 1;
  sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

// The errno that waits at a socket, which asking takes away; 0 = none.
inline int pending_error(Sys& sys, int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  const int result = sys.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return result < 0 ? -result : error;
}

// With reset the peer is told that the stream broke; without, what was sent still goes out.
inline void close_socket(Sys& sys, SysFd& fd, bool reset) {
  if (reset) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    sys.setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  fd.reset();
}

}  // namespace splicebench
