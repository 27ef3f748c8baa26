#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "counters/clock.h"
#include "endpoint/endpoint_loop.h"

namespace splicebench {

void Endpoint::Loop::service(uint32_t index) {
  if (!take_prefix(index)) return;
  Connection& c = connections[index];
  if (receiving.limits() && !e.stop_) {
    // Who pauses would only be given its turn over and over.
    if (c.readable && !c.receive_done && !c.pausing)
      await_turn(receiving, &Connection::awaits_receive, index);
  } else if (!receive(index, budget)) {
    return;
  }
  if (sending.limits() && may_send(index) && !e.stop_) {
    if (c.writable && !c.send_done) await_turn(sending, &Connection::awaits_send, index);
  } else if (!send(index, budget)) {
    return;
  }
  if (c.receive_done && c.send_done) end(index, 0);
}

bool Endpoint::Loop::receive(uint32_t index, uint64_t allowed) {
  Connection& c = connections[index];
  if (!c.readable || c.receive_done) return true;
  if (options.hold_receive && !e.go_ && e.results_[index].received > 0) {
    count_waiting(c);
    return true;
  }
  for (uint64_t taken = 0; taken < allowed;) {
    const uint64_t before_pause = to_pause(index);
    if (before_pause == 0) return true;
    // In the kernel's own portions where no rate has to be kept.
    const uint64_t most = receiving.limits() ? allowed - taken : UINT64_MAX;
    const ssize_t got = c.receiver->receive(c.fd.get(), std::min(most, before_pause));
    if (got > 0) {
      const auto size = static_cast<uint64_t>(got);
      taken += size;
      receiving.spend(size);
      // What a slice brought is known before anybody hears that it has arrived.
      const ReceiveMode mode = options.arms[arm_of(index)].receive;
      if (mode == ReceiveMode::kCheck) count_incidents(index);
      if (mode != ReceiveMode::kNone) count_received(index, size);
      continue;
    }
    if (got == -EAGAIN) {
      c.readable = false;
      return true;
    }
    if (got == 0) {
      c.receive_done = true;
      return true;
    }
    end(index, static_cast<int>(-got));
    return false;
  }
  enqueue(index);
  return true;
}

uint64_t Endpoint::Loop::to_pause(uint32_t index) {
  Connection& c = connections[index];
  if (e.stop_) return UINT64_MAX;
  if (c.pausing) return 0;
  if (c.pause_at == UINT64_MAX) return UINT64_MAX;
  const uint64_t received = e.results_[index].received;
  if (received < c.pause_at) return c.pause_at - received;
  c.pause_at = options.pause_every == 0 ? UINT64_MAX : c.pause_at + options.pause_every;
  c.pausing = true;
  pauses.push_back({monotonic_ns() + options.pause_ns, index});
  e.stats_.pauses.add(1);
  return 0;
}

void Endpoint::Loop::count_incidents(uint32_t index) {
  Connection& c = connections[index];
  const uint64_t now = c.receiver->checker()->totals().incidents;
  if (now == c.incidents) return;
  e.stats_.incidents.add(now - c.incidents);
  e.slices_.note_incidents(arm_of(index), now - c.incidents);
  c.incidents = now;
}

void Endpoint::Loop::count_waiting(Connection& c) {
  int waiting = 0;
  if (ioctl(c.fd.get(), SIOCINQ, &waiting) == -1) return;
  const auto now = static_cast<uint64_t>(waiting);
  e.stats_.waiting.set(e.stats_.waiting.get() + now - c.waiting);
  c.waiting = now;
}

void Endpoint::Loop::count_received(uint32_t index, uint64_t size) {
  ConnectionResult& result = e.results_[index];
  const uint32_t arm = arm_of(index);
  if (result.received == 0) {
    e.stats_.started.add(1);
    e.slices_.note_started(arm);
  }
  result.received += size;
  e.stats_.received.add(size);
  const uint64_t now = monotonic_ns();
  if (e.stats_.first_byte_ns.get() == 0) e.stats_.first_byte_ns.set(now);
  e.stats_.last_byte_ns.set(now);
  e.slices_.note_received(arm, size, now);
}

bool Endpoint::Loop::send(uint32_t index, uint64_t allowed) {
  Connection& c = connections[index];
  if (!c.writable || c.send_done) return true;
  uint64_t& sent = e.results_[index].sent;
  const bool held = !may_send(index);
  const uint64_t until = held ? std::min(limit, options.prologue) : limit;
  uint64_t left = takes_turns ? to_boundary(index, sent) : allowed;
  while (sent < until && !e.stop_) {
    if (!e.go_ && !held && monotonic_ns() >= slice_end_ns) {
      end_slice();
      return true;
    }
    if (left == 0) {
      enqueue(index);
      return true;
    }
    uint64_t most = std::min(until - sent, left);
    if (options.message != 0) most = std::min(most, to_boundary(index, sent));
    if (!c.urgent_sent && options.urgent_at != UINT64_MAX) {
      if (sent >= options.urgent_at) c.urgent_sent = send_urgent(c.fd.get());
      most = std::min(most, sent < options.urgent_at ? options.urgent_at - sent : most);
    }
    const uint64_t overwritten = c.sender->overwritten();
    const ssize_t put = c.sender->send(c.fd.get(), sent, most);
    e.stats_.overwritten.add(c.sender->overwritten() - overwritten);
    if (put == -EAGAIN) {
      c.writable = false;
      return true;
    }
    if (put < 0) {
      end(index, static_cast<int>(-put));
      return false;
    }
    sent += static_cast<uint64_t>(put);
    left -= static_cast<uint64_t>(put);
    if (!held) sending.spend(static_cast<uint64_t>(put));
    e.stats_.sent.add(static_cast<uint64_t>(put));
    e.slices_.note_sent(arm_of(index), static_cast<uint64_t>(put));
  }
  if (held && !e.stop_) return true;
  shutdown(c.fd.get(), SHUT_WR);
  c.send_done = true;
  return true;
}

uint64_t Endpoint::Loop::to_boundary(uint32_t index, uint64_t sent) {
  if (options.message_most <= options.message) return options.message - sent % options.message;
  Connection& c = connections[index];
  const uint64_t span = options.message_most - options.message + 1;
  while (c.message_end <= sent) {
    c.message_end += options.message + sizes.word(index, Direction::kDecoy, c.messages++) % span;
  }
  return c.message_end - sent;
}

bool Endpoint::Loop::send_urgent(int fd) {
  const uint8_t byte = '!';
  return ::send(fd, &byte, 1, MSG_OOB | MSG_NOSIGNAL) == 1;
}

void Endpoint::Loop::overwrite_all() {
  for (Connection& c : connections) {
    if (!c.sender) continue;
    const uint64_t before = c.sender->overwritten();
    c.sender->overwrite();
    e.stats_.overwritten.add(c.sender->overwritten() - before);
  }
}

}  // namespace splicebench
