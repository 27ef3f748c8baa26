// TCP sockets: addresses, listening, connecting, resetting. All sockets are non-blocking and
// close-on-exec.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "posix/fd.h"

namespace splicebench {

// A resolved numeric address. Name resolution is TypeScript's.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  // host must be a numeric IPv4 or IPv6 address. Throws SystemError (EINVAL) otherwise.
  static Address parse(const std::string& host, uint16_t port);
  // "127.0.0.1:4000", "[::1]:4000"
  std::string text() const;
  uint16_t port() const;
  int family() const { return storage.ss_family; }
};

// Sizes in bytes as given to setsockopt; 0 = left to the kernel.
struct BufferSizes {
  int receive = 0;  // the kernel doubles this one and the next
  int send = 0;
  int segment = 0;  // TCP_MAXSEG: the most in one segment, either way
};

inline constexpr int kBacklog = 4096;
// Whether other sockets of this user may listen at the same address too, so that the kernel spreads
// the connections over them (SO_REUSEPORT). kOffered must find it free; kJoined takes part in it.
enum class Port : uint8_t { kOwn, kOffered, kJoined };
// Listens with SO_REUSEADDR. Throws SystemError ("listen 127.0.0.1:4000: Address already in use").
Fd listen_on(const Address& address, const BufferSizes& buffers, int backlog = kBacklog,
             Port port = Port::kOwn);
// The address a socket is bound to.
Address local_address(int fd);
// Starts a non-blocking connect. The result's `pending` is an errno: 0 = connected already,
// EINPROGRESS = wait for writability and ask socket_error, else failed (fd is empty).
struct Connecting {
  Fd fd;
  int pending = 0;
};
Connecting start_connect(const Address& address, const BufferSizes& buffers);
// The port of an address that accept(2) filled in; 0 where it has none.
uint16_t port_of(const sockaddr_storage& address);
// The largest segment received so far as TCP estimates it, bytes; 0 = unknown.
uint32_t received_segment(int fd);
// SO_ERROR, taken and cleared.
int socket_error(int fd);
void set_nodelay(int fd, bool on);
// Makes the next close of this socket send RST instead of FIN.
void reset_on_close(int fd);
// ECONNRESET and its kin: the peer or the path ended the connection without an orderly end.
bool is_reset(int code);

}  // namespace splicebench
