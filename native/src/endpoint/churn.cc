#include "endpoint/churn.h"

#include <algorithm>
#include <cerrno>

#include "counters/clock.h"
#include "posix/error.h"

namespace splicebench {
namespace {

constexpr int kAcceptsAtOnce = 64;
constexpr int kPiecesAtOnce = 64;
constexpr size_t kFailuresKept = 100;
// Besides one for each connection at the same time.
constexpr uint64_t kFailuresInARow = 100;

// A different 64-bit number for each: the sum over a set tells sets apart.
uint64_t mixed(uint64_t n) {
  n = (n + 1) * 0x9e3779b97f4a7c15u;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
  return n ^ (n >> 31);
}

// This host has no port, descriptor or memory for another connection now.
bool starving(int error) {
  return error == EADDRNOTAVAIL || error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM || error == EAGAIN;
}

}  // namespace

Churn::Churn(ChurnOptions options) : Peer(options), options_(std::move(options)) {}

void Churn::run() {
  open_loop();
  if (!options_.listen) connect_more();
  std::array<epoll_event, kEventsAtOnce> events;
  while (!stop_now_ && !over()) {
    const int count = wait(events, !queue_.empty());
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.u64 == kListenerTag || (event.data.u64 == kTickTag && options_.listen)) {
        accept_more();
      } else if (event.data.u64 < kPaceTag) {
        take_event(event.data.u64, event.events);
      }
    }
    working_.swap(queue_);
    for (const uint32_t index : working_) service(index);
    working_.clear();
    if (!options_.listen) connect_more();
  }
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].fd) end(i, ECANCELED);
  }
  sample();
  listener_.reset();
}

bool Churn::over() const {
  if (open_ != 0) return false;
  return stop_ || results_.gave_up || (!options_.listen && results_.begun >= options_.transfers);
}

void Churn::accept_more() {
  for (int n = 0; n < kAcceptsAtOnce && !stop_; ++n) {
    Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno != EAGAIN) ++results_.starved;
      return;
    }
    stats_.established.add(1);
    open(std::move(fd), monotonic_ns(), false);
  }
}

// One connection before go(), as proof of the path; then as many as may be open.
void Churn::connect_more() {
  while (!stop_ && !results_.gave_up && results_.begun < options_.transfers &&
         open_ < (go_ ? options_.connections : 1) && (go_ || results_.begun == 0)) {
    const uint64_t began = monotonic_ns();
    Connecting connecting = start_connect(options_.address, options_.buffers);
    if (connecting.fd) {
      open(std::move(connecting.fd), began, true);
      continue;
    }
    stats_.last_errno.set(static_cast<uint64_t>(connecting.pending));
    if (starving(connecting.pending)) {
      ++results_.starved;
      return;  // tried again after the next event, the tick at the latest
    }
    Slot failed;
    failed.connection = results_.begun++;
    judge(failed, connecting.pending);
    stats_.ended.add(1);
  }
}

void Churn::open(Fd fd, uint64_t began, bool connecting) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  const uint32_t generation = (slot.generation + 1) & 0x7fffffff;
  const bool queued = slot.queued;
  slot = Slot{};
  slot.generation = generation;
  slot.queued = queued;
  slot.fd = std::move(fd);
  slot.began = began;
  slot.connecting = connecting;
  slot.connection = results_.begun++;
  const auto number = static_cast<uint32_t>(slot.connection % kMaxConnections);
  const Direction out = options_.listen ? Direction::kDown : Direction::kUp;
  const Direction in = options_.listen ? Direction::kUp : Direction::kDown;
  if (options_.send) slot.sender = make_content_sender(content_, number, out, send_buffer_);
  slot.send_done = !options_.send;
  if (options_.receive) {
    slot.receiver = make_receiver(number, in, true);
  } else {
    slot.receiver = make_discarding_receiver();  // only to see the other end close
  }
  ++open_;
  watch(slot.fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        uint64_t{generation} << 32 | index);
}

void Churn::take_event(uint64_t tag, uint32_t events) {
  const auto index = static_cast<uint32_t>(tag);
  Slot& slot = slots_[index];
  if (!slot.fd || slot.generation != tag >> 32) return;
  if (slot.connecting) {
    const int error = socket_error(slot.fd.get());
    if (error != 0) return end(index, error);
    if (!(events & EPOLLOUT)) return;
    slot.connecting = false;
    stats_.established.add(1);
  }
  const uint32_t wrong = EPOLLERR | EPOLLHUP;
  if (events & (EPOLLIN | EPOLLRDHUP | wrong)) slot.readable = true;
  if (events & (EPOLLOUT | wrong)) slot.writable = true;
  enqueue(index);
}

void Churn::enqueue(uint32_t index) {
  if (slots_[index].queued) return;
  slots_[index].queued = true;
  queue_.push_back(index);
}

void Churn::service(uint32_t index) {
  Slot& slot = slots_[index];
  slot.queued = false;
  if (!slot.fd || slot.connecting) return;
  if (!receive(index) || !send(index)) return;
  if (slot.ended_input && slot.send_done) return end(index, 0);
  const bool more = (slot.readable && !slot.ended_input) || (slot.writable && !slot.send_done);
  if (more) enqueue(index);
}

// False when the connection has ended.
bool Churn::receive(uint32_t index) {
  Slot& slot = slots_[index];
  for (int n = 0; n < kPiecesAtOnce && slot.readable && !slot.ended_input; ++n) {
    const ssize_t got = slot.receiver->receive(slot.fd.get(), kBuffer);
    if (got > 0) {
      if (slot.received == 0) stats_.started.add(1);
      slot.received += static_cast<uint64_t>(got);
      count_received(static_cast<uint64_t>(got));
    } else if (got == 0) {
      slot.ended_input = true;
    } else if (got == -EAGAIN) {
      slot.readable = false;
    } else {
      end(index, static_cast<int>(-got));
      return false;
    }
  }
  return true;
}

// False when the connection has ended.
bool Churn::send(uint32_t index) {
  Slot& slot = slots_[index];
  for (int n = 0; n < kPiecesAtOnce && slot.writable && !slot.send_done; ++n) {
    if (slot.sent == options_.body) {
      shutdown(slot.fd.get(), SHUT_WR);
      slot.send_done = true;
      break;
    }
    const ssize_t put = slot.sender->send(slot.fd.get(), slot.sent, options_.body - slot.sent);
    if (put >= 0) {
      slot.sent += static_cast<uint64_t>(put);
      stats_.sent.add(static_cast<uint64_t>(put));
    } else if (put == -EAGAIN) {
      slot.writable = false;
    } else {
      end(index, static_cast<int>(-put));
      return false;
    }
  }
  return true;
}

void Churn::end(uint32_t index, int error) {
  Slot& slot = slots_[index];
  judge(slot, error);
  slot.fd.reset();
  slot.sender.reset();
  slot.receiver.reset();
  free_.push_back(index);
  --open_;
  stats_.ended.add(1);
}

void Churn::judge(Slot& slot, int error) {
  const uint64_t body = options_.body;
  uint64_t cut = options_.receive && slot.received < body ? body - slot.received : 0;
  bool corrupt = false;
  Checker* checker = slot.receiver ? slot.receiver->checker() : nullptr;
  if (checker && slot.received != 0) {
    cut = checker->finish(body);
    const CheckTotals totals = checker->totals();
    results_.totals += totals;
    corrupt = totals.incidents != 0;
    stats_.incidents.add(totals.incidents);
    for (const Incident& incident : checker->incidents()) {
      if (results_.incidents.size() >= options_.stored_incidents) break;
      results_.incidents.push_back(incident);
    }
  }
  if (options_.send && slot.sent == body) {
    results_.sent_numbers += mixed(slot.connection % kMaxConnections);
  }
  if (checker && slot.received == body && !corrupt) {
    results_.received_numbers += mixed(checker->connection() % kMaxConnections);
  }
  const bool beyond = options_.receive && slot.received > body;
  if (error == 0 && cut == 0 && !beyond && !corrupt) {
    ++results_.whole;
    whole_.add(1);
    failed_in_a_row_ = 0;
    if (!options_.listen) window_.record(slot.began, monotonic_ns());
    return;
  }
  // By the worst, as trials of streams are judged.
  ++(corrupt      ? results_.corrupt
     : error != 0 ? results_.broken
     : cut != 0   ? results_.truncated
                  : results_.beyond);
  if (!corrupt && error == 0) {
    results_.cut_bytes += cut;
    if (beyond) results_.beyond_bytes += slot.received - body;
  }
  if (error != 0) {
    stats_.failed.add(1);
    stats_.last_errno.set(static_cast<uint64_t>(error));
  }
  if (results_.failures.size() < kFailuresKept) {
    results_.failures.push_back({slot.connection, slot.sent, slot.received, cut, error});
  }
  if (!options_.listen && ++failed_in_a_row_ > kFailuresInARow + options_.connections) {
    results_.gave_up = true;
  }
}

}  // namespace splicebench
