// The bytes go, while all is well, from the input to the output's backlog in
// the kernel, and from there, by a worker of the kernel, to the output's send
// queue. The backlog belongs to no socket's accounts: it has no limit, and
// nothing is told of it. What is in it is known by difference: the program
// counts what it redirected, and the output's own counters say what it took.
//
// Where there is a limit, bytes beyond it are left on the input, where they
// fill its receive buffer and stop the sender. Those are copied: the program
// redirects nothing while any of them is there, and none of them is sent before
// the backlog is empty. So the order is kept.

#include "forward/sockmap_flow.h"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "counters/clock.h"
#include "forward/session_socket.h"

namespace splicebench {
namespace {

constexpr size_t kCopyAtOnce = size_t{256} << 10;
// The most that is taken into memory to let the other direction's end pass. A
// receive buffer is less.
constexpr size_t kRescueMost = size_t{64} << 20;
// What the program left on the input is in no socket's account until a worker of the kernel has
// brought it to the receive queue, and that worker may have no CPU. Beyond the first the window is
// closed: all at once in a receive queue that is too small for it keeps out the peer's
// acknowledgements as well. More than the second ends the session.
constexpr uint64_t kLeftClamped = uint64_t{4} << 20;
constexpr uint64_t kLeftMost = uint64_t{64} << 20;
// The largest packet: what a limit may be exceeded by.
constexpr uint64_t kPacketMost = uint64_t{64} << 10;
// How often the other direction's end is put off because more keeps coming.
constexpr uint32_t kQuietTries = 50;
constexpr uint32_t kLongestWaitMs = 64;
// What the program left reaches recv by a worker of the kernel. One that has not brought it for so
// long never will.
constexpr uint64_t kMissingMostNs = 10'000'000'000;
constexpr uint32_t kFigureMs = 10;  // between looks that are for the figures alone

// States of TCP after the peer's end of stream (net/tcp_states.h).
constexpr uint8_t kTimeWait = 6;
constexpr uint8_t kClose = 7;
constexpr uint8_t kCloseWait = 8;
constexpr uint8_t kLastAck = 9;
constexpr uint8_t kClosing = 11;

// Bytes ever put into the socket's send queue, from its beginning: what was
// acknowledged, and what was not. Acknowledgements between the two calls make
// it too small, never too large.
uint64_t enqueued(Sys& sys, int fd) {
  const uint64_t acknowledged = tcp_information(sys, fd).tcpi_bytes_acked;
  int queued = 0;
  sys.ioctl(fd, SIOCOUTQ, &queued);
  return acknowledged + static_cast<uint64_t>(queued);
}

}  // namespace

tcp_info tcp_information(Sys& sys, int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  sys.getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
  return info;
}

bool peer_has_ended(uint8_t state) {
  return state == kTimeWait || state == kClose || state == kCloseWait || state == kLastAck ||
         state == kClosing;
}

bool seen_once(SockmapShared& shared, uint64_t seen, uint64_t received) {
  if (seen == received) return true;
  const char* what = seen < received ? "find the bytes that the kernel dropped of"
                                     : "take back the bytes that the kernel delivered twice of";
  shared.stats.trouble.note(what, "a session", EIO);
  return false;
}

SockmapFlow::~SockmapFlow() {
  if (!direction_) return;
  look();
  shared_.figures.cut.add(direction_->tally->cut.load());
  if (finished_) shared_.figures.lost.add(redirected() - drained());
  shared_.figures.backlog.set(shared_.figures.backlog.get() - backlog_);
  shared_.kernel.release(in_, *direction_);
}

PumpResult SockmapFlow::connected(int in, int out) {
  in_ = in;
  out_ = out;
  first_ = enqueued(sys_, out);
  SockmapKernel::Direction direction{};
  if (shared_.kernel.redirect(in, out, limit(), direction) == 0) {
    direction_ = direction;
  } else {
    shared_.stats.copy_fallbacks.add(1);
  }
  return wait(true);
}

PumpResult SockmapFlow::pump(int /*in*/, int /*out*/, size_t budget) {
  if (error_ != 0) return {PumpEnd::kFailed, error_};
  // A backlog would keep us from reading up to the error.
  if (ended_) {
    if (const int error = pending_error(sys_, in_); error != 0) return {PumpEnd::kFailed, error};
  }
  if (!direction_ || off_) return copy(budget);
  if (passed() - received_ > kLeftMost) {
    shared_.stats.trouble.note("bound what the kernel holds of", "a session", ENOBUFS);
    return {PumpEnd::kFailed, ENOBUFS};
  }
  if (quieting_ > 0) {
    return out_of_reach() ? PumpResult{PumpEnd::kFailed, EIO} : wait(false);
  }
  clamp_by(passed() - received_);
  if (const std::optional<PumpResult> early = held_off()) return *early;
  if (held() > 0 || passed() != direction_->tally->consumed.load()) {
    const PumpResult result = catch_up(budget);
    if (result.end != PumpEnd::kOutputFull) return result;
    // More may be left on the input while the output is full, and no event would tell.
    full_ = true;
    return hold_off(false);
  }
  return ended_ ? finish() : watch();
}

// All is redirected. Limits are renewed and figures kept.
PumpResult SockmapFlow::watch() {
  const uint64_t before = taken_;
  const uint64_t unseen = redirected() - drained();
  if (unseen > 0 && (!shared_.policy.drain || unseen >= direction_->tally->limit.load() / 4)) {
    if (!nothing_twice()) return {PumpEnd::kFailed, EIO};
    look();
  }
  // With a limit, events tell of what arrives.
  if (shared_.policy.drain) return {PumpEnd::kInputDry};
  return wait(taken_ != before);
}

// The input has ended or is broken, and nothing of it is left there.
PumpResult SockmapFlow::finish() {
  const tcp_info info = tcp_information(sys_, in_);
  if (!peer_has_ended(info.tcpi_state)) {
    ended_ = false;
    return watch();
  }
  if (!direction_) return {PumpEnd::kFinished};
  if (!off_) {
    shared_.kernel.settle(in_);
    if (passed() != direction_->tally->consumed.load()) return {PumpEnd::kBudget};
  }
  if (shared_.policy.drain) {
    // Its end counts as a byte.
    if (!seen_once(shared_, redirected() + received_ + 1, info.tcpi_bytes_received)) {
      return {PumpEnd::kFailed, EIO};
    }
    if (!backlog_is_empty()) return hold_off(false);
  }
  finished_ = true;
  return {PumpEnd::kFinished};
}

// A stream may go on for hours: finish() would be late to find it out. What was left on the input
// and is there twice has not been sent yet.
bool SockmapFlow::nothing_twice() {
  if (!shared_.policy.drain) return true;
  const uint64_t seen = redirected() + passed();  // more may arrive before the next line
  const uint64_t received = tcp_information(sys_, in_).tcpi_bytes_received;
  return seen <= received || seen_once(shared_, seen, received);
}

// What was left on the input goes behind what was redirected before it.
PumpResult SockmapFlow::catch_up(size_t budget) {
  const uint64_t before = taken_;
  if (!backlog_is_empty()) return hold_off(taken_ != before);
  shared_.kernel.settle(in_);
  if (!nothing_twice()) return {PumpEnd::kFailed, EIO};
  // The program may have redirected more before it left the first byte.
  if (!backlog_is_empty()) return hold_off(taken_ != before);
  Tally& tally = *direction_->tally;
  for (size_t moved = 0; moved < budget;) {
    if (held() > 0) {
      const size_t size = held();
      if (const std::optional<PumpResult> stopped = send_held()) return *stopped;
      moved += size;
    }
    const uint64_t left = passed() - tally.consumed.load();
    if (left == 0) {
      // What is redirected from here on causes no event.
      clamp_by(0);
      if (ended_) return finish();
      look();
      return {PumpEnd::kInputDry};
    }
    const uint64_t had = received_;
    const ssize_t got = receive(std::min<uint64_t>(left, kCopyAtOnce));
    // It is on its way to where recv finds it: the kernel queues it behind the backlog of the other
    // direction. Nothing, or already the end of the stream, is what recv says meanwhile. A
    // connection that is closed has dropped it.
    if (got <= 0 && received_ != had) continue;  // an urgent byte was left out
    if (got == 0 && tcp_information(sys_, in_).tcpi_state == kClose) return {PumpEnd::kFailed, EIO};
    if (got == -EAGAIN || got == 0) {
      return out_of_reach() ? PumpResult{PumpEnd::kFailed, EIO} : hold_off(false);
    }
    if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
    missing_ns_ = 0;
  }
  return {PumpEnd::kBudget};
}

// Without redirection: the kernel would not have these sockets, or has them no
// more.
PumpResult SockmapFlow::copy(size_t budget) {
  if (off_ && !backlog_is_empty()) return wait(false);
  for (size_t moved = 0; moved < budget;) {
    if (held() > 0) {
      if (const std::optional<PumpResult> stopped = send_held()) return *stopped;
    }
    const ssize_t got = receive(kCopyAtOnce);
    if (got == -EAGAIN) {
      return shared_.policy.drain ? PumpResult{PumpEnd::kInputDry} : wait(moved > 0);
    }
    if (got == 0) return finish();
    if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
    moved += static_cast<size_t>(got);
  }
  return {PumpEnd::kBudget};
}

// Our shutdown of the input lets its peer's end close it for good, and what the
// program left on it goes with that (it is not in the receive queue, where it
// would stay). So the program must leave nothing there afterwards: it is taken
// off the input, and the rest of the direction is copied.
//
// Two things must not happen then: a packet in the program's hands, which the
// kernel would drop, and bytes that the program left and nobody has read, which
// recv would not account for any more. So everything is left on the input and
// read from there, with a window that lets the sender send next to nothing,
// until no more comes. Should a packet be dropped after all, finish() sees that
// it is missing.
bool SockmapFlow::allow_shutdown(int /*in*/) {
  if (!direction_ || !shared_.policy.drain || off_) return true;
  if (quieting_ == 0) {
    direction_->tally->limit.store(0);
    clamp(true);
  }
  shared_.kernel.settle(in_);
  const uint64_t before = received_;
  while (received_ < passed() && held() < kRescueMost) {
    const ssize_t got = receive(std::min<uint64_t>(passed() - received_, kCopyAtOnce));
    // A socket tells of its error once.
    if (got < 0 && got != -EAGAIN) error_ = static_cast<int>(-got);
    if (got <= 0) break;
    missing_ns_ = 0;
  }
  const tcp_info info = tcp_information(sys_, in_);
  // Reading lets the sender send: what follows from it is still to come.
  const bool same = std::exchange(arrived_, info.tcpi_bytes_received) == arrived_;
  const bool quiet = (same && received_ == before) || quieting_ >= kQuietTries;
  if (received_ < passed() || quieting_++ == 0) return false;
  if (peer_has_ended(info.tcpi_state)) {
    off_ = true;
  } else if (quiet) {
    off_ = shared_.kernel.stop_redirecting(in_, *direction_, received_);
  }
  if (off_) clamp(false);
  return off_;
}

void SockmapFlow::clamp_by(uint64_t left) {
  if (left > kLeftClamped) clamp(true);
  if (left < kLeftClamped / 2) clamp(false);
}

void SockmapFlow::clamp(bool on) {
  if (std::exchange(clamped_, on) == on) return;
  socklen_t size = sizeof(usual_window_);
  if (on) sys_.getsockopt(in_, IPPROTO_TCP, TCP_WINDOW_CLAMP, &usual_window_, &size);
  const int window = on ? 1 : usual_window_;  // 1 becomes the least that the kernel allows
  sys_.setsockopt(in_, IPPROTO_TCP, TCP_WINDOW_CLAMP, &window, sizeof(window));
}

// What may be redirected: no more than the output's send queue has room for, so that a reader that
// stands still leaves no backlog behind. What the program leaves on a socket waits behind that
// socket's backlog, where no account stops the sender. Half of the room is for what the kernel
// keeps beside the bytes.
uint64_t SockmapFlow::limit() {
  if (!shared_.policy.drain) return shared_.policy.limit;
  std::array<uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof(memory);
  sys_.getsockopt(out_, SOL_SOCKET, SO_MEMINFO, memory.data(), &size);
  const uint64_t most = memory[SK_MEMINFO_SNDBUF];
  const uint64_t taken = uint64_t{memory[SK_MEMINFO_WMEM_QUEUED]} + kPacketMost;
  return most > taken ? std::min((most - taken) / 2, shared_.policy.limit) : 0;
}

bool SockmapFlow::backlog_is_empty() {
  if (drained() != redirected()) look();
  return drained() == redirected();
}

// Appends to the buffer.
ssize_t SockmapFlow::receive(size_t most) {
  if (direction_ && !off_ && received_ < direction_->tally->marked.load()) {
    return receive_marked(most);
  }
  return take(most);
}

ssize_t SockmapFlow::take(size_t most) {
  // What the program never saw recv reads as it always does: without the urgent byte.
  const bool marked = off_ && at_mark();
  const size_t end = buffer_.size();
  buffer_.resize(end + most);
  // While something is left for recv the program redirects nothing.
  const uint64_t before = direction_ ? redirected() : 0;
  const ssize_t got =
      sys_.recv(in_, buffer_.data() + end, most, MSG_DONTWAIT, {id_, before + received_ - urgent_});
  buffer_.resize(end + (got > 0 ? static_cast<size_t>(got) : 0));
  if (got > 0) received_ += static_cast<uint64_t>(got);
  if (marked && !at_mark()) leave_out_urgent();
  return got;
}

bool SockmapFlow::at_mark() {
  int here = 0;
  sys_.ioctl(in_, SIOCATMARK, &here);
  return here != 0;
}

// Byte by byte, since no call says how far the urgent mark is (FIONREAD does on a socket without a
// program, and on some kernels with one). At the mark the byte is taken away: who forwards need not
// pass it on (RFC 6093), and it is not one of the stream's.
ssize_t SockmapFlow::receive_marked(size_t most) {
  ssize_t received = 0;
  while (static_cast<size_t>(received) < most && received_ < direction_->tally->marked.load()) {
    ssize_t got = 0;
    if (at_mark()) {
      uint8_t byte = 0;
      got = sys_.recv(in_, &byte, sizeof(byte), MSG_DONTWAIT,
                      {id_, redirected() + received_ - urgent_});
      if (got > 0) leave_out_urgent();
    } else {
      got = take(1);
      received += got > 0 ? got : 0;
    }
    if (got <= 0) return received > 0 ? received : got;
  }
  return received > 0 ? received : -EAGAIN;
}

void SockmapFlow::leave_out_urgent() {
  ++received_;
  ++urgent_;
  direction_->tally->consumed.store(copied_ + urgent_);
}

// Nothing when all was sent.
std::optional<PumpResult> SockmapFlow::send_held() {
  const ssize_t sent = sys_.send(out_, buffer_.data() + begin_, held(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                 {id_, taken_, CallSide::kOut});
  if (sent == -EAGAIN) return PumpResult{PumpEnd::kOutputFull};
  if (sent < 0) return PumpResult{PumpEnd::kFailed, static_cast<int>(-sent)};
  const auto size = static_cast<uint64_t>(sent);
  begin_ += size;
  copied_ += size;
  taken_ += size;
  delivered_.add(size);
  shared_.figures.copied.add(size);
  // Only what was sent may let the program redirect again.
  if (direction_) direction_->tally->consumed.store(copied_ + urgent_);
  if (held() > 0) return PumpResult{PumpEnd::kOutputFull};
  buffer_.clear();
  begin_ = 0;
  if (buffer_.capacity() > kCopyAtOnce) buffer_.shrink_to_fit();
  return std::nullopt;
}

void SockmapFlow::look() {
  const uint64_t in_backlog_at_most = redirected();
  // Once shut down, the output counts the end of its stream as a byte.
  const uint64_t taken = std::min(enqueued(sys_, out_) - first_, in_backlog_at_most + copied_);
  if (taken > taken_) {
    delivered_.add(taken - taken_);
    taken_ = taken;
    direction_->tally->drained.store(drained());
    patience_ms_ = 1;
  }
  // After what was taken is known: what is taken meanwhile makes it too small, never too large.
  if (quieting_ == 0 && !off_) direction_->tally->limit.store(limit());
  SockmapFigures& figures = shared_.figures;
  figures.redirected.add(in_backlog_at_most - counted_);
  counted_ = in_backlog_at_most;
  const uint64_t backlog = in_backlog_at_most - drained();
  figures.backlog.set(figures.backlog.get() + backlog - backlog_);
  backlog_ = backlog;
  if (figures.backlog.get() > figures.backlog_peak.get()) {
    figures.backlog_peak.set(figures.backlog.get());
  }
}

// Ever longer while nothing moves.
PumpResult SockmapFlow::wait(bool progress) {
  if (progress) patience_ms_ = shared_.policy.drain ? 1 : kFigureMs;
  const uint32_t now = patience_ms_;
  patience_ms_ = std::min(patience_ms_ * 2, kLongestWaitMs);
  return {.end = PumpEnd::kWait, .wait_ms = now};
}

// settle() causes an event itself: were each event a reason to look again, the loop would never
// sleep.
PumpResult SockmapFlow::hold_off(bool progress) {
  const PumpResult result = wait(progress);
  due_ns_ = monotonic_ns() + uint64_t{result.wait_ms} * 1'000'000;
  return result;
}

// What a pump that comes before its time has to do; nothing when it is time. The output may have
// room sooner.
std::optional<PumpResult> SockmapFlow::held_off() {
  if (full_) {
    const std::optional<PumpResult> stopped = send_held();
    if (stopped && stopped->end == PumpEnd::kFailed) return stopped;
    if (stopped && monotonic_ns() >= due_ns_) return hold_off(false);
    full_ = stopped.has_value();
    if (!full_) due_ns_ = 0;
  }
  if (monotonic_ns() >= due_ns_) return std::nullopt;
  return PumpResult{.end = PumpEnd::kWait, .wait_ms = static_cast<uint32_t>(ms_until(due_ns_))};
}

// Whether what the program left has been out of recv's reach for too long. The stream cannot be
// completed then.
bool SockmapFlow::out_of_reach() {
  if (received_ >= passed()) {
    missing_ns_ = 0;
    return false;
  }
  // It may wait behind what the opposite direction's reader does not take.
  int queued = 0;
  sys_.ioctl(in_, SIOCOUTQ, &queued);
  const uint64_t now = monotonic_ns();
  if (missing_ns_ == 0 || queued > 0) missing_ns_ = now;
  if (now - missing_ns_ < kMissingMostNs) return false;
  shared_.stats.trouble.note("find the bytes that the kernel dropped of", "a session", EIO);
  return true;
}

void SockmapForwarder::run(ForwarderContext& context) {
  SockmapShared shared(context, policy_, figures_);
  shared_ = &shared;
  run_relay(context, *this);
}

std::vector<std::pair<std::string_view, const Counter*>> SockmapForwarder::details() const {
  return {{"redirected_bytes", &figures_.redirected},
          {"copied_bytes", &figures_.copied},
          {"cut_bytes", &figures_.cut},
          {"backlog_peak_bytes", &figures_.backlog_peak},
          {"lost_bytes", &figures_.lost}};
}

std::unique_ptr<Flow> SockmapForwarder::open(uint32_t id, Counter& delivered) {
  if (policy_.ingress) return open_sockmap_ingress(*shared_, id, delivered);
  return std::make_unique<SockmapFlow>(*shared_, id, delivered);
}

// Every arrival wakes those who wait for input, also where the program has
// redirected it: without a limit, and unless this process reads it, there is
// nothing to do then.
uint32_t SockmapForwarder::events() const {
  const bool arrivals = policy_.drain || policy_.ingress;
  return EPOLLRDHUP | EPOLLOUT | (arrivals ? uint32_t{EPOLLIN} : 0);
}

}  // namespace splicebench
