// The peers of relay_support.h.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>

#include "counters/clock.h"
#include "posix/error.h"
#include "relay_support.h"

namespace splicebench::testing {
namespace {

constexpr size_t kMostAtOnce = size_t{256} << 10;
// How often nothing must have been seen to move before it is quiet: while the whole machine stood
// still, nobody looked.
constexpr unsigned kLooks = 10;

uint8_t* scratch() {
  thread_local std::vector<uint8_t> bytes(kMostAtOnce);
  return bytes.data();
}

bool wait_for(int fd, short events, int milliseconds) {
  pollfd watched{.fd = fd, .events = events, .revents = 0};
  return poll(&watched, 1, milliseconds) == 1;
}

bool wants_to_send(const Peer& peer) {
  if (!peer.writing || peer.error != 0) return false;
  return peer.sent < peer.to_send || (peer.end_after && !peer.ended_sending);
}

bool wants_to_receive(const Peer& peer) {
  return peer.reading && !peer.eof && peer.error == 0;
}

uint32_t wanted_events(const Peer& peer) {
  return (wants_to_send(peer) ? uint32_t{EPOLLOUT} : 0) |
         (wants_to_receive(peer) ? uint32_t{EPOLLIN} : 0);
}

void note_error(Peer& peer, int error) {
  peer.error = error;
  if (error == ECONNRESET || error == EPIPE) ++resets_seen;
}

// Whether something moved.
bool send_some(Peer& peer, Random& random) {
  if (peer.sent < peer.to_send) {
    const size_t chosen = random.range(peer.send_low, peer.send_high + 1);
    const size_t size = std::min<uint64_t>(std::min(chosen, kMostAtOnce), peer.to_send - peer.sent);
    pattern_fill(peer.send_seed, peer.sent, scratch(), size);
    const ssize_t put = send(peer.fd.get(), scratch(), size, MSG_NOSIGNAL);
    if (put < 0 && errno == EAGAIN) return false;
    if (put < 0) {
      note_error(peer, errno);
    } else {
      peer.sent += static_cast<uint64_t>(put);
    }
  }
  if (peer.error == 0 && peer.sent == peer.to_send && peer.end_after && !peer.ended_sending) {
    shutdown(peer.fd.get(), SHUT_WR);
    peer.ended_sending = true;
  }
  return true;
}

bool receive_some(Peer& peer) {
  const ssize_t got = recv(peer.fd.get(), scratch(), std::min(peer.receive_most, kMostAtOnce), 0);
  if (got < 0 && errno == EAGAIN) return false;
  if (got < 0) {
    note_error(peer, errno);
  } else if (got == 0) {
    peer.eof = true;
  } else {
    const auto size = static_cast<size_t>(got);
    if (peer.equal == peer.received) {
      peer.equal += pattern_match(peer.receive_seed, peer.received, scratch(), size);
    }
    peer.received += size;
    if (peer.pause_us) usleep(peer.pause_us);
  }
  return true;
}

}  // namespace

bool Peer::intact(uint64_t expected) const {
  if (error == 0 && eof && received == expected && equal == expected) return true;
  fprintf(stderr, "%" PRIu64 " bytes expected, %" PRIu64 " received, equal up to %" PRIu64 "%s%s\n",
          expected, received, equal, eof ? ", then the end" : ", no end",
          error ? (std::string(", ") + strerror(error)).c_str() : "");
  return false;
}

Fd listen_upstream(const BufferSizes& buffers, int backlog) {
  return listen_on(Address::parse("127.0.0.1", 0), buffers, backlog);
}

Fd connect_to(const Address& address, const BufferSizes& buffers) {
  Connecting connecting = start_connect(address, buffers);
  if (!connecting.fd) throw SystemError("connect", address.text(), connecting.pending);
  if (connecting.pending != 0) {
    if (!wait_for(connecting.fd.get(), POLLOUT, 20'000)) {
      throw SystemError("connect", address.text(), ETIMEDOUT);
    }
    const int error = socket_error(connecting.fd.get());
    if (error != 0) throw SystemError("connect", address.text(), error);
  }
  return std::move(connecting.fd);
}

Fd accept_from(int listener) {
  CHECK(wait_for(listener, POLLIN, 20'000));
  return Fd(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

void set_seeds(Ends& ends, uint64_t seed) {
  ends.client.send_seed = ends.upstream.receive_seed = seed * 2;
  ends.upstream.send_seed = ends.client.receive_seed = seed * 2 + 1;
}

Ends open_ends(const Relay& relay, int listener, uint64_t seed, const BufferSizes& client) {
  Ends ends;
  ends.client.fd = connect_to(relay.address(), client);
  ends.upstream.fd = accept_from(listener);
  set_seeds(ends, seed);
  return ends;
}

void drive(const std::vector<Peer*>& peers, unsigned quiet_ms,
           const std::function<bool()>& enough) {
  Random random(peers.size());
  const Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  std::vector<uint32_t> watched(peers.size(), 0);
  size_t active = 0;
  const auto rearm = [&](size_t i) {
    const uint32_t wanted = wanted_events(*peers[i]);
    if (wanted == watched[i]) return;
    epoll_event event{.events = wanted, .data = {.u64 = i}};
    // Removed when it wants nothing: errors are always reported and would wake for ever.
    const int op = watched[i] == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (epoll_ctl(epoll.get(), op, peers[i]->fd.get(), &event) == -1) {
      throw SystemError("epoll_ctl", "");
    }
    if (watched[i] == 0) ++active;
    if (wanted == 0) --active;
    watched[i] = wanted;
  };
  for (size_t i = 0; i < peers.size(); ++i) rearm(i);
  std::vector<epoll_event> events(256);
  const int timeout = quiet_ms ? static_cast<int>(quiet_ms / kLooks + 1) : -1;
  unsigned looks = 0;
  uint64_t last_move = monotonic_ns();
  while (active > 0) {
    const int count = epoll_wait(epoll.get(), events.data(), 256, timeout);
    bool moved = false;
    for (int e = 0; e < count; ++e) {
      const epoll_event& event = events[static_cast<size_t>(e)];
      Peer& peer = *peers[event.data.u64];
      const bool failed = event.events & (EPOLLERR | EPOLLHUP);
      if (wants_to_send(peer) && (failed || event.events & EPOLLOUT)) {
        moved |= send_some(peer, random);
      }
      if (wants_to_receive(peer) && (failed || event.events & EPOLLIN)) {
        moved |= receive_some(peer);
      }
      rearm(event.data.u64);
    }
    const uint64_t now = monotonic_ns();
    ++looks;
    if (moved) {
      looks = 0;
      last_move = now;
    }
    if (enough && enough()) return;
    const bool quiet = now - last_move >= uint64_t{quiet_ms} * 1'000'000;
    if (quiet_ms && quiet && looks >= kLooks) return;
  }
}

void end_sending(Peer& peer) {
  peer.to_send = peer.sent;
  shutdown(peer.fd.get(), SHUT_WR);
  peer.ended_sending = true;
}

void reset(Peer& peer) {
  reset_on_close(peer.fd.get());
  peer.fd.reset();
}

void read_to_end(Peer& peer) {
  peer.reading = true;
  peer.writing = false;
  drive(std::vector<Peer*>{&peer});
}

bool is_reset_by_other(const Peer& peer) {
  return eventually([&] {
    pollfd watched{.fd = peer.fd.get(), .events = 0, .revents = 0};
    return poll(&watched, 1, 100) == 1 && (watched.revents & POLLERR) != 0;
  });
}

}  // namespace splicebench::testing
