// The header of the PROXY protocol: what a proxy may send before the first byte of a connection to
// its upstream, saying who connected to it. Text in version 1, binary in version 2. Source: "The
// PROXY protocol, versions 1 & 2" of HAProxy, doc/proxy-protocol.txt, sections 2.1 and 2.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace splicebench {

// What an accepted connection begins with, before its stream.
enum class Prefix : uint8_t { kNone, kProxyV1, kProxyV2 };

// Reads the header of one connection, and not a byte of the stream behind it.
class ProxyHeader {
 public:
  explicit ProxyHeader(Prefix version) : version_(version) {}

  // Takes what the non-blocking socket has of the header. Returns 0 once it was whole and well
  // formed; else -EAGAIN (nothing more now), -ENOMSG (the connection begins with something else, or
  // ended before its first byte), -EPROTO (the header has begun, and is malformed or cut short), or
  // another -errno of the socket.
  int read(int fd);

 private:
  // Bytes that belong to the header for certain and are not read yet; 0 = it is whole.
  size_t missing() const;
  // 0, ENOMSG or EPROTO, from the bytes read so far.
  int fault() const;

  Prefix version_;
  std::string seen_;
};

}  // namespace splicebench
