#include "endpoint/peer.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

#include "counters/clock.h"
#include "posix/error.h"

namespace splicebench {
namespace {
constexpr long kTickNs = 100'000'000;
}

Peer::Peer(PeerOptions options)
    : base_(std::move(options)),
      content_(make_stamped_content(base_.seed, base_.earlier_seeds)),
      receive_buffer_(kBuffer),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      address_(base_.address) {
  if (!wake_) throw SystemError("eventfd", "");
  if (base_.listen) {
    listener_ = listen_on(base_.address, base_.buffers);
    address_ = local_address(listener_.get());
  }
}

Peer::~Peer() = default;

void Peer::wake() {
  const uint64_t one = 1;
  // Fails only when the counter is full: then the loop is woken anyway.
  if (write(wake_.get(), &one, sizeof(one)) < 0) return;
}

void Peer::go() {
  go_ = true;
  wake();
}

void Peer::stop() {
  stop_ = true;
  wake();
}

void Peer::stop_now() {
  stop_now_ = true;
  wake();
}

void Peer::open_loop() {
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  tick_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!epoll_ || !tick_) throw SystemError("epoll_create1", "");
  const itimerspec every{{0, kTickNs}, {0, kTickNs}};
  timerfd_settime(tick_.get(), 0, &every, nullptr);
  watch(tick_.get(), EPOLLIN, kTickTag);
  watch(wake_.get(), EPOLLIN, kWakeTag);
  if (base_.listen) watch(listener_.get(), EPOLLIN, kListenerTag);
}

void Peer::watch(int fd, uint32_t events, uint64_t tag) {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == -1) throw SystemError("epoll_ctl", "");
}

void Peer::unwatch(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

int Peer::wait(std::array<epoll_event, kEventsAtOnce>& events, bool poll) {
  const int count = epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, poll ? 0 : -1);
  for (int i = 0; i < count; ++i) {
    const uint64_t tag = events[static_cast<size_t>(i)].data.u64;
    uint64_t times;
    if (tag == kWakeTag && read(wake_.get(), &times, sizeof(times)) < 0) continue;
    if (tag == kTickTag && read(tick_.get(), &times, sizeof(times)) > 0) sample();
  }
  return count;
}

void Peer::sample() {
  const std::lock_guard lock(series_mutex_);
  series_.push_back({monotonic_ns(), stats_.received.get(), stats_.sent.get()});
}

std::vector<SeriesSample> Peer::series() const {
  const std::lock_guard lock(series_mutex_);
  return series_;
}

void Peer::count_received(uint64_t size) {
  stats_.received.add(size);
  const uint64_t now = monotonic_ns();
  if (stats_.first_byte_ns.get() == 0) stats_.first_byte_ns.set(now);
  stats_.last_byte_ns.set(now);
}

std::unique_ptr<Receiver> Peer::make_receiver(uint32_t connection, Direction direction,
                                              bool adopt) {
  if (!base_.check) return make_discarding_receiver();
  return make_checking_receiver(content_,
                                {.connection = connection,
                                 .adopt_connection = adopt,
                                 .direction = direction,
                                 .stored_incidents = std::max<size_t>(
                                     1, base_.stored_incidents / std::max(1U, base_.connections))},
                                receive_buffer_);
}

}  // namespace splicebench
