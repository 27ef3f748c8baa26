#include "endpoint/exchange.h"

#include <cerrno>

#include "counters/clock.h"
#include "posix/error.h"

namespace splicebench {
namespace {
constexpr uint32_t kConnectsAtOnce = 256;  // fewer than a listener's usual backlog
constexpr int kPiecesAtOnce = 64;          // so that a large response does not hold up the others
}  // namespace

Exchange::Exchange(ExchangeOptions options)
    : Peer(options),
      options_(std::move(options)),
      lines_(options_.connections),
      results_(options_.connections),
      receivers_(options_.connections) {}

void Exchange::pace(double rate) {
  rate_ = rate;
  ++paces_;
  wake();
}

void Exchange::run() {
  open_loop();
  if (!options_.listen) connect_more();
  std::array<epoll_event, kEventsAtOnce> events;
  while (!stop_now_ && stats_.ended.get() < options_.connections) {
    const int count = wait(events, !queue_.empty());
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.u64 == kListenerTag || (event.data.u64 == kTickTag && options_.listen)) {
        accept_more();
      } else if (event.data.u64 < options_.connections) {
        take_event(static_cast<uint32_t>(event.data.u64), event.events);
      }
    }
    if (stop_) abandon_rest();
    serve_queue();
    turn();
    serve_queue();
  }
  for (uint32_t i = 0; i < opened_; ++i) {
    if (lines_[i].fd) end(i, ECANCELED);
  }
  abandon_rest();
  sample();
  listener_.reset();
}

void Exchange::take_event(uint32_t index, uint32_t events) {
  Line& line = lines_[index];
  if (!line.fd) return;
  if (line.connecting) {
    const int error = socket_error(line.fd.get());
    if (error != 0) return end(index, error);
    if (!(events & EPOLLOUT)) return;
    line.connecting = false;
    --in_progress_;
    stats_.established.add(1);
    connected(index);
    connect_more();
  }
  const uint32_t wrong = EPOLLERR | EPOLLHUP;
  if (events & (EPOLLRDHUP | wrong)) line.hangup = true;
  if (events & (EPOLLIN | EPOLLRDHUP | wrong)) line.readable = true;
  if (events & (EPOLLOUT | wrong)) line.writable = true;
  enqueue(index);
}

// Out of descriptors, the connection stays in the backlog; the listener is looked at again with the
// next tick.
void Exchange::accept_more() {
  while (opened_ < options_.connections) {
    Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno != EAGAIN) unwatch(listener_.get());
      return;
    }
    stats_.established.add(1);
    open(std::move(fd), false);
  }
  unwatch(listener_.get());
}

void Exchange::connect_more() {
  while (opened_ < options_.connections && in_progress_ < kConnectsAtOnce && !stop_) {
    Connecting connecting = start_connect(options_.address, options_.buffers);
    if (!connecting.fd) {
      const uint32_t index = opened_++;
      results_[index] = {.connection = index, .error = connecting.pending};
      stats_.last_errno.set(static_cast<uint64_t>(connecting.pending));
      stats_.ended.add(1);
      stats_.failed.add(1);
      continue;
    }
    ++in_progress_;
    open(std::move(connecting.fd), true);
  }
}

void Exchange::open(Fd fd, bool connecting) {
  const uint32_t index = opened_++;
  Line& line = lines_[index];
  const Direction out = options_.listen ? Direction::kDown : Direction::kUp;
  const Direction in = options_.listen ? Direction::kUp : Direction::kDown;
  set_nodelay(fd.get(), true);
  line.fd = std::move(fd);
  line.connecting = connecting;
  line.sender = make_content_sender(content_, index, out, send_buffer_);
  receivers_[index] = make_receiver(index, in, options_.connections > 1);
  results_[index].connection = index;
  watch(line.fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, index);
}

void Exchange::abandon_rest() {
  while (opened_ < options_.connections) {
    const uint32_t index = opened_++;
    results_[index] = {.connection = index, .error = ECANCELED};
    stats_.ended.add(1);
    stats_.failed.add(1);
  }
}

void Exchange::enqueue(uint32_t index) {
  if (lines_[index].queued) return;
  lines_[index].queued = true;
  queue_.push_back(index);
}

void Exchange::allow(uint32_t index, uint64_t total) {
  lines_[index].allowed = total;
  enqueue(index);
}

void Exchange::finish(uint32_t index) {
  if (!lines_[index].fd) return;
  lines_[index].finishing = true;
  enqueue(index);
}

void Exchange::serve_queue() {
  working_.swap(queue_);
  for (const uint32_t index : working_) service(index);
  working_.clear();
}

void Exchange::service(uint32_t index) {
  Line& line = lines_[index];
  // It stays marked as queued meanwhile: what receiving allows to send is sent in the same visit.
  if (line.fd && !line.connecting && receive(index) && send(index)) {
    if (line.ended_input && line.shut) end(index, 0);
  }
  line.queued = false;
  if (line.fd && line.readable && !line.ended_input) enqueue(index);
}

// False when the connection has ended.
bool Exchange::receive(uint32_t index) {
  Line& line = lines_[index];
  ConnectionResult& result = results_[index];
  if (!line.readable || line.ended_input) return true;
  for (int pieces = 0; pieces < kPiecesAtOnce; ++pieces) {
    const ssize_t got = receivers_[index]->receive(line.fd.get(), kBuffer);
    if (got > 0) {
      if (result.received == 0) stats_.started.add(1);
      result.received += static_cast<uint64_t>(got);
      count_received(static_cast<uint64_t>(got));
      count_incidents(index);
      received(index, result.received, stats_.last_byte_ns.get());
      // Less than the buffer holds: the socket is empty, and what comes is an event again. Not
      // after the other end's FIN, which was one already.
      if (static_cast<size_t>(got) < kBuffer && !line.hangup) {
        line.readable = false;
        return true;
      }
      continue;
    }
    if (got == -EAGAIN) {
      line.readable = false;
      return true;
    }
    if (got == 0) {
      line.ended_input = true;
      line.finishing = true;
      return true;
    }
    end(index, static_cast<int>(-got));
    return false;
  }
  return true;
}

void Exchange::count_incidents(uint32_t index) {
  const Checker* checker = receivers_[index]->checker();
  if (!checker) return;
  const uint64_t now = checker->totals().incidents;
  if (now == lines_[index].incidents) return;
  stats_.incidents.add(now - lines_[index].incidents);
  lines_[index].incidents = now;
}

// False when the connection has ended.
bool Exchange::send(uint32_t index) {
  Line& line = lines_[index];
  uint64_t& sent = results_[index].sent;
  if (!line.writable || line.shut) return true;
  while (sent < line.allowed) {
    const ssize_t put = line.sender->send(line.fd.get(), sent, line.allowed - sent);
    if (put == -EAGAIN) {
      line.writable = false;
      return true;
    }
    if (put < 0) {
      end(index, static_cast<int>(-put));
      return false;
    }
    sent += static_cast<uint64_t>(put);
    stats_.sent.add(static_cast<uint64_t>(put));
  }
  if (line.finishing) {
    shutdown(line.fd.get(), SHUT_WR);
    line.shut = true;
  }
  return true;
}

void Exchange::end(uint32_t index, int error) {
  Line& line = lines_[index];
  if (line.connecting) --in_progress_;
  ConnectionResult& result = results_[index];
  if (!options_.listen) result.port = local_address(line.fd.get()).port();
  result.mss = received_segment(line.fd.get());
  result.orderly = error == 0;
  result.error = error;
  if (error != 0) {
    stats_.failed.add(1);
    stats_.last_errno.set(static_cast<uint64_t>(error));
  }
  line.fd.reset();
  line.sender.reset();
  stats_.ended.add(1);
  closed(index);
}

}  // namespace splicebench
