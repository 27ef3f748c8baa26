#include <sys/epoll.h>

#include <cerrno>

#include "endpoint/endpoint_loop.h"
#include "posix/socket.h"

namespace splicebench {
namespace {

constexpr uint32_t kConnectsAtOnce = 256;  // fewer than a listener's usual backlog

}  // namespace

void Endpoint::Loop::take_event(uint32_t index, uint32_t events) {
  Connection& c = connections[index];
  if (!c.fd) return;
  if (c.connecting) {
    const int error = socket_error(c.fd.get());
    // Before it is up a connection can only be refused: one that was reset had come up, and broke
    // before it was looked at.
    const bool broke = error == ECONNRESET || error == EPIPE;
    if (error != 0 && !broke) return end(index, error);
    if (!broke && !(events & EPOLLOUT)) return;
    c.connecting = false;
    --in_progress;
    e.stats_.established.add(1);
    if (broke) return end(index, error);
    connect_more();
  }
  const uint32_t wrong = EPOLLERR | EPOLLHUP;
  if (events & (EPOLLIN | wrong)) c.readable = true;
  if (events & (EPOLLOUT | wrong)) c.writable = true;
  enqueue(index);
}

void Endpoint::Loop::accept_more() {
  while (opened < options.connections) {
    Fd fd(accept4(e.listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      // Out of descriptors: the connection stays in the backlog until one is free. The listener
      // would wake the loop for it all the time, so it is looked at again with the next sample.
      starved = errno != EAGAIN;
      if (starved) epoll_ctl(epoll.get(), EPOLL_CTL_DEL, e.listener_.get(), nullptr);
      return;
    }
    e.stats_.established.add(1);
    open(std::move(fd), false);
  }
  epoll_ctl(epoll.get(), EPOLL_CTL_DEL, e.listener_.get(), nullptr);
}

void Endpoint::Loop::listen_again() {
  starved = false;
  watch(e.listener_.get(), EPOLLIN, kListenerTag);
}

void Endpoint::Loop::connect_more() {
  while (opened < options.connections && in_progress < kConnectsAtOnce && !e.stop_ &&
         !e.stop_now_) {
    Connecting connecting = start_connect(options.address, options.buffers);
    if (!connecting.fd) {
      const uint32_t index = opened++;
      e.results_[index] = {.connection = number_of(index), .error = connecting.pending};
      e.stats_.last_errno.set(static_cast<uint64_t>(connecting.pending));
      e.stats_.ended.add(1);
      e.stats_.failed.add(1);
      continue;
    }
    ++in_progress;
    open(std::move(connecting.fd), true);
  }
}

void Endpoint::Loop::open(Fd fd, bool connecting) {
  const uint32_t index = opened++;
  Connection& c = connections[index];
  if (options.nodelay) set_nodelay(fd.get(), true);
  c.fd = std::move(fd);
  c.connecting = connecting;
  c.pause_at = options.pause_at;
  c.sender = parts.sender(number_of(index));
  c.send_done = !c.sender;
  e.receivers_[index] = parts.receiver(number_of(index));
  c.receiver = e.receivers_[index].get();
  e.results_[index].connection = number_of(index);
  watch(c.fd.get(), EPOLLIN | EPOLLOUT | EPOLLET, index);
}

void Endpoint::Loop::end(uint32_t index, int error) {
  Connection& c = connections[index];
  if (c.connecting) --in_progress;
  ConnectionResult& result = e.results_[index];
  if (!options.listen) result.port = local_address(c.fd.get()).port();
  result.mss = received_segment(c.fd.get());
  result.orderly = error == 0;
  result.error = error;
  if (error != 0) {
    e.stats_.failed.add(1);
    e.stats_.last_errno.set(static_cast<uint64_t>(error));
  }
  c.fd.reset();
  c.sender.reset();
  e.stats_.ended.add(1);
  if (!options.listen) connect_more();
}

void Endpoint::Loop::abandon_rest() {
  while (opened < options.connections) {
    const uint32_t index = opened++;
    e.results_[index] = {.connection = number_of(index), .error = ECANCELED};
    e.stats_.ended.add(1);
    e.stats_.failed.add(1);
  }
}

}  // namespace splicebench
