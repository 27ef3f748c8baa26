#include "micro/pair.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

#include "counters/clock.h"
#include "posix/error.h"
#include "posix/socket.h"

namespace splicebench {
namespace {

// Room for the largest piece in each queue, in the kernel's accounting of whole packets.
constexpr int kQueue = 8 << 20;
constexpr int kPatience = 5000;  // milliseconds until a queue that does not move is an error

void wait_for(int fd, short events, const char* what) {
  pollfd wanted{fd, events, 0};
  const int ready = poll(&wanted, 1, kPatience);
  if (ready == -1) throw SystemError("poll", what);
  if (ready == 0) throw SystemError("poll", what, ETIMEDOUT);
}

// Beyond the host's limit only with privileges; without them pieces that do not fit go in parts.
void widen(int fd) {
  for (const auto& [force, plain] :
       {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}}) {
    if (setsockopt(fd, SOL_SOCKET, force, &kQueue, sizeof(kQueue)) == -1) {
      setsockopt(fd, SOL_SOCKET, plain, &kQueue, sizeof(kQueue));
    }
  }
}

int waiting_bytes(int fd) {
  int bytes = 0;
  if (ioctl(fd, FIONREAD, &bytes) == -1) throw SystemError("ioctl FIONREAD", "");
  return bytes;
}

size_t moved(ssize_t result, const char* call) {
  if (result > 0) return static_cast<size_t>(result);
  throw SystemError(call, "", result == 0 ? EPIPE : errno);
}

}  // namespace

PairBench::Connection PairBench::connect_pair() {
  // Accepted sockets inherit the listener's queue sizes, and the handshake fixes the window scale.
  Fd listener = listen_on(Address::parse("127.0.0.1", 0), {.receive = kQueue, .send = kQueue}, 1);
  widen(listener.get());
  Connecting connecting = start_connect(local_address(listener.get()), {});
  if (!connecting.fd) throw SystemError("connect", "127.0.0.1", connecting.pending);
  widen(connecting.fd.get());
  wait_for(listener.get(), POLLIN, "accept");
  Connection connection{Fd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)),
                        std::move(connecting.fd)};
  if (!connection.near) throw SystemError("accept4", "");
  wait_for(connection.far.get(), POLLOUT, "connect");
  set_nodelay(connection.near.get(), true);
  set_nodelay(connection.far.get(), true);
  return connection;
}

PairBench::PairBench(PairKind kind, size_t size)
    : kind_(kind), size_(size), in_(connect_pair()), out_(connect_pair()), piece_(size, 0x5a) {
  if (kind == PairKind::kCopy) {
    buffer_.resize(size);
    return;
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) throw SystemError("pipe2", "");
  pipe_read_ = Fd(ends[0]);
  pipe_write_ = Fd(ends[1]);
  fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);  // refused: more pairs per piece, which are counted
}

PairTime PairBench::run(uint64_t iterations) {
  PairTime time;
  for (uint64_t i = 0; i < iterations; ++i) {
    for (size_t fed = 0; fed < size_;) {
      size_t waiting = feed(size_ - fed);
      fed += waiting;
      while (waiting > 0) {
        const uint64_t start = monotonic_ns();
        const size_t bytes = move(waiting);
        time.ns += monotonic_ns() - start;
        time.bytes += bytes;
        time.pairs += 1;
        drain(bytes);
        waiting -= bytes;
      }
    }
  }
  return time;
}

size_t PairBench::feed(size_t most) {
  ssize_t sent;
  while ((sent = send(in_.near.get(), piece_.data(), most, MSG_NOSIGNAL)) == -1 &&
         errno == EAGAIN) {
    wait_for(in_.near.get(), POLLOUT, "feed");
  }
  const size_t bytes = moved(sent, "send");
  // Usually delivered before send returns. What does not fit the window arrives as it is taken.
  const uint64_t start = monotonic_ns();
  int waiting = 0;
  while (static_cast<size_t>(waiting = waiting_bytes(in_.far.get())) < bytes) {
    if (waiting > 0 && monotonic_ns() - start > 1'000'000) break;
    wait_for(in_.far.get(), POLLIN, "feed");
  }
  return bytes;
}

size_t PairBench::move(size_t most) {
  const int in = in_.far.get();
  const int out = out_.far.get();
  if (kind_ == PairKind::kSplice) {
    ssize_t got;
    while ((got = splice(in, nullptr, pipe_write_.get(), nullptr, most,
                         SPLICE_F_MOVE | SPLICE_F_NONBLOCK)) == -1 &&
           errno == EAGAIN) {
      wait_for(in, POLLIN, "splice");
    }
    const size_t bytes = moved(got, "splice");
    for (size_t left = bytes; left > 0;) {
      left -= moved(
          splice(pipe_read_.get(), nullptr, out, nullptr, left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK),
          "splice");
    }
    return bytes;
  }
  ssize_t got;
  while ((got = recv(in, buffer_.data(), most, 0)) == -1 && errno == EAGAIN) {
    wait_for(in, POLLIN, "recv");
  }
  const size_t bytes = moved(got, "recv");
  for (size_t left = bytes; left > 0;) {
    left -= moved(send(out, buffer_.data() + (bytes - left), left, MSG_NOSIGNAL), "send");
  }
  return bytes;
}

void PairBench::drain(size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = recv(out_.near.get(), nullptr, bytes, MSG_TRUNC);
    if (got == -1 && errno == EAGAIN) {
      wait_for(out_.near.get(), POLLIN, "drain");
      continue;
    }
    bytes -= moved(got, "recv");
  }
}

}  // namespace splicebench
