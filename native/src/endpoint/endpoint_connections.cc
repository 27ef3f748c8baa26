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
    count_established(index);
    if (broke) return end(index, error);
    connect_more();
  }
  const uint32_t wrong = EPOLLERR | EPOLLHUP;
  if (events & (EPOLLIN | wrong)) c.readable = true;
  if (events & (EPOLLOUT | wrong)) c.writable = true;
  enqueue(index);
}

void Endpoint::Loop::count_established(uint32_t index) {
  e.stats_.established.add(1);
  e.slices_.note_established(arm_of(index));
}

bool Endpoint::Loop::take_prefix(uint32_t index) {
  Connection& c = connections[index];
  if (!c.prefix) return true;
  if (!c.readable) return false;
  const int got = c.prefix->read(c.fd.get());
  if (got == -EAGAIN) {
    c.readable = false;
  } else if (got != 0) {
    end(index, -got);
  } else {
    c.prefix.reset();
    e.stats_.awaiting_prefix.set(e.stats_.awaiting_prefix.get() - 1);
    count_established(index);
  }
  return got == 0;
}

void Endpoint::Loop::accept_more(uint32_t arm) {
  const int listener = e.listeners_[arm].get();
  while (!all_opened(arm)) {
    Fd fd(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      // Out of descriptors: the connection stays in the backlog until one is free. The listener
      // would wake the loop for it all the time, so it is looked at again with the next sample.
      starved[arm] = errno != EAGAIN;
      if (starved[arm]) epoll_ctl(epoll.get(), EPOLL_CTL_DEL, listener, nullptr);
      return;
    }
    const uint32_t index = next_index(arm);
    open(index, std::move(fd), false);
    if (options.prefix == Prefix::kNone) {
      count_established(index);
    } else {
      connections[index].prefix = std::make_unique<ProxyHeader>(options.prefix);
      e.stats_.awaiting_prefix.add(1);
    }
  }
  epoll_ctl(epoll.get(), EPOLL_CTL_DEL, listener, nullptr);
}

void Endpoint::Loop::listen_again() {
  for (uint32_t arm = 0; arm < arms; ++arm) {
    if (!starved[arm]) continue;
    starved[arm] = false;
    watch(e.listeners_[arm].get(), EPOLLIN, kListenerTag + arm);
  }
}

void Endpoint::Loop::connect_more() {
  for (uint32_t arm = 0; arm < arms; ++arm) connect_more(arm);
}

void Endpoint::Loop::connect_more(uint32_t arm) {
  const Address& address = e.addresses_[arm];
  if (arms > 1 && address.port() == 0) return abandon_rest(arm);
  while (!all_opened(arm) && in_progress < kConnectsAtOnce && !e.stop_ && !e.stop_now_) {
    Connecting connecting = start_connect(address, options.buffers);
    const uint32_t index = next_index(arm);
    if (!connecting.fd) {
      give_up(index, connecting.pending);
      continue;
    }
    ++in_progress;
    open(index, std::move(connecting.fd), true);
  }
}

void Endpoint::Loop::give_up(uint32_t index, int error) {
  e.results_[index] = {.connection = number_of(index), .error = error};
  e.stats_.last_errno.set(static_cast<uint64_t>(error));
  e.stats_.ended.add(1);
  e.stats_.failed.add(1);
  e.slices_.note_ended(arm_of(index));
}

void Endpoint::Loop::open(uint32_t index, Fd fd, bool connecting) {
  Connection& c = connections[index];
  if (options.nodelay) set_nodelay(fd.get(), true);
  c.fd = std::move(fd);
  c.connecting = connecting;
  c.pause_at = options.pause_at;
  const ArmOptions& arm = options.arms[arm_of(index)];
  c.sender = parts.sender(number_of(index), arm);
  c.send_done = !c.sender;
  e.receivers_[index] = parts.receiver(number_of(index), arm.receive);
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
  if (c.prefix) e.stats_.awaiting_prefix.set(e.stats_.awaiting_prefix.get() - 1);
  c.prefix.reset();
  c.fd.reset();
  c.sender.reset();
  e.stats_.ended.add(1);
  e.slices_.note_ended(arm_of(index));
  if (!options.listen) connect_more();
}

void Endpoint::Loop::abandon_rest() {
  for (uint32_t arm = 0; arm < arms; ++arm) abandon_rest(arm);
}

void Endpoint::Loop::abandon_rest(uint32_t arm) {
  while (!all_opened(arm)) {
    const uint32_t index = next_index(arm);
    e.results_[index] = {.connection = number_of(index), .error = ECANCELED};
    e.stats_.ended.add(1);
    e.stats_.failed.add(1);
    e.slices_.note_ended(arm);
  }
}

}  // namespace splicebench
