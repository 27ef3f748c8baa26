#include "posix/socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

#include "posix/error.h"

namespace splicebench {

Address Address::parse(const std::string& host, uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof(sockaddr_in6);
  } else {
    throw SystemError("inet_pton", host, EINVAL);
  }
  return address;
}

std::string Address::text() const {
  char host[INET6_ADDRSTRLEN] = "?";
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, host,
              sizeof(host));
    return std::string(host) + ":" + std::to_string(port());
  }
  inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, host,
            sizeof(host));
  return "[" + std::string(host) + "]:" + std::to_string(port());
}

uint16_t Address::port() const {
  return ntohs(family() == AF_INET ? reinterpret_cast<const sockaddr_in*>(&storage)->sin_port
                                   : reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
}

namespace {

// Sizes must be set before connect or listen: the handshake fixes the window scale and the MSS.
void apply(int fd, const BufferSizes& buffers) {
  if (buffers.receive > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffers.receive, sizeof(buffers.receive));
  }
  if (buffers.send > 0) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffers.send, sizeof(buffers.send));
  }
  if (buffers.segment > 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &buffers.segment, sizeof(buffers.segment));
  }
}

void share_port(int fd) {
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
}

}  // namespace

Fd listen_on(const Address& address, const BufferSizes& buffers, int backlog, Port port) {
  Fd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) throw SystemError("socket", address.text());
  const int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (port == Port::kJoined) share_port(fd.get());
  apply(fd.get(), buffers);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) == -1) {
    throw SystemError("listen", address.text());
  }
  if (port == Port::kOffered) share_port(fd.get());
  if (listen(fd.get(), backlog) == -1) throw SystemError("listen", address.text());
  return fd;
}

Address local_address(int fd) {
  Address address;
  address.size = sizeof(address.storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) == -1) {
    throw SystemError("getsockname", "");
  }
  return address;
}

Connecting start_connect(const Address& address, const BufferSizes& buffers) {
  Connecting result;
  result.fd = Fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!result.fd) {
    result.pending = errno;
    return result;
  }
  apply(result.fd.get(), buffers);
  if (connect(result.fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) ==
      -1) {
    result.pending = errno;
    if (result.pending != EINPROGRESS) result.fd.reset();
  }
  return result;
}

uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return 0;
}

uint32_t received_segment(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == -1) return 0;
  return info.tcpi_rcv_mss;
}

int socket_error(int fd) {
  int code = 0;
  socklen_t size = sizeof(code);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == -1) return errno;
  return code;
}

void set_nodelay(int fd, bool on) {
  const int value = on;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
}

void reset_on_close(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

bool is_reset(int code) {
  return code == ECONNRESET || code == EPIPE || code == ECONNABORTED || code == ETIMEDOUT;
}

}  // namespace splicebench
