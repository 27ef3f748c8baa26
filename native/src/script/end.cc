#include "script/end.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "counters/clock.h"
#include "stream/content.h"

namespace splicebench {
namespace {

constexpr size_t kBuffer = size_t{64} << 10;
// Between two looks at what is waited for.
constexpr uint64_t kLookNs = 1'000'000;
// The longest sleep before it is asked whether all is to end.
constexpr uint64_t kNapNs = 20'000'000;
// A rate is kept by so many slices a second.
constexpr uint64_t kSlicesPerSecond = 200;

void sleep_ns(uint64_t ns) {
  const timespec time{static_cast<time_t>(ns / 1'000'000'000),
                      static_cast<long>(ns % 1'000'000'000)};
  nanosleep(&time, nullptr);
}

bool same_queues(const Queues& a, const Queues& b) {
  for (size_t at = 0; at < a.size(); at++) {
    if (a[at].known != b[at].known || a[at].state != b[at].state || a[at].unread != b[at].unread ||
        a[at].unacked != b[at].unacked || a[at].taken != b[at].taken ||
        a[at].given != b[at].given) {
      return false;
    }
  }
  return true;
}

Checker::Options checker_options(uint32_t number, Direction sends) {
  Checker::Options options;
  options.connection = number;
  options.direction = sends == Direction::kDown ? Direction::kUp : Direction::kDown;
  options.stored_incidents = 10;
  return options;
}

}  // namespace

struct ScriptEnd::Doing {
  const Step& step;
  StepRecord& record;
  uint64_t deadline_ns;
  // Of waits for stillness and for what the forwarder holds.
  Queues last{};
  uint64_t last_counts = UINT64_MAX;
  uint64_t since_ns = 0;
};

ScriptEnd::ScriptEnd(Fd fd, const EndPlan& plan, uint32_t number, Direction direction,
                     std::shared_ptr<const Content> content, const Shared& shared)
    : fd_(std::move(fd)),
      plan_(plan),
      number_(number),
      direction_(direction),
      content_(std::move(content)),
      shared_(shared),
      checker_(content_, checker_options(number, direction)),
      buffer_(kBuffer) {
  set_nodelay(fd_.get(), plan.nodelay);
}

void ScriptEnd::run() {
  for (const Step& step : plan_.steps) {
    record_.steps.emplace_back();
    StepRecord& record = record_.steps.back();
    record.begin_ns = monotonic_ns();
    Doing doing{step, record, record.begin_ns + step.within_ns};
    record.outcome = carry_out(doing);
    record.end_ns = monotonic_ns();
    record.queues = shared_.observer->look(shared_.names);
    // Whoever waits for it may look only now.
    if (step.until == Until::kBlocked && record.outcome == StepOutcome::kDone) {
      if (step.kind == StepKind::kSend) blocked_at_ = passed_ + 1;
    }
    blocked_since_ = 0;
    // An end that was seen is the other's doing: what is left to do of our own is done.
    if (record.outcome == StepOutcome::kTimeout || record.outcome == StepOutcome::kUnbounded) break;
    passed_++;
  }
  over_ = true;
}

StepOutcome ScriptEnd::carry_out(Doing& doing) {
  if (!fd_) return StepOutcome::kFailed;
  switch (doing.step.kind) {
    case StepKind::kSend:
      return send_bytes(doing);
    case StepKind::kRead:
      return read_bytes(doing);
    case StepKind::kPause:
      return pause(doing.record.begin_ns + doing.step.for_ns);
    case StepKind::kWait:
      return wait_for(doing);
    case StepKind::kFinish:
      return finish(doing);
    case StepKind::kUrgent: {
      const char byte = '!';
      if (send(fd_.get(), &byte, 1, MSG_OOB | MSG_NOSIGNAL) == 1) return StepOutcome::kDone;
      doing.record.error = errno;
      return StepOutcome::kFailed;
    }
    case StepKind::kReset:
      reset_on_close(fd_.get());
      [[fallthrough]];
    case StepKind::kClose:
      close_socket();
      return StepOutcome::kDone;
  }
  return StepOutcome::kFailed;
}

void ScriptEnd::close_socket() {
  if (!fd_) return;
  int unread = 0;
  if (ioctl(fd_.get(), SIOCINQ, &unread) == 0 && unread > 0) {
    record_.unread_at_close = static_cast<uint64_t>(unread);
  }
  fd_.reset();
}

StepOutcome ScriptEnd::finish(Doing& doing) {
  if (shutdown(fd_.get(), SHUT_WR) == 0) return StepOutcome::kDone;
  doing.record.error = errno;
  return StepOutcome::kFailed;
}

bool ScriptEnd::out_of_time(const Doing& doing) const {
  return shared_.cancelled->load() || monotonic_ns() >= doing.deadline_ns;
}

void ScriptEnd::nap(const Doing& doing, uint64_t ns) const {
  const uint64_t now = monotonic_ns();
  const uint64_t left = doing.deadline_ns > now ? doing.deadline_ns - now : 0;
  sleep_ns(std::min({ns, left, kNapNs}));
}

StepOutcome ScriptEnd::pause(uint64_t until_ns) {
  for (uint64_t now = monotonic_ns(); now < until_ns; now = monotonic_ns()) {
    if (shared_.cancelled->load()) return StepOutcome::kTimeout;
    sleep_ns(std::min(until_ns - now, kNapNs));
  }
  return StepOutcome::kDone;
}

// Returns what send(2) would: bytes or -1 with errno.
ssize_t ScriptEnd::write_some(const Step& step, size_t size, bool more) {
  switch (step.by) {
    case SendBy::kSend:
      content_->fill(number_, direction_, sent_, buffer_.data(), size);
      return send(fd_.get(), buffer_.data(), size, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    case SendBy::kSlots:
      return write_slots(size);
    default:
      return write_file(step.by, size);
  }
}

int ScriptEnd::fill_file(size_t size) {
  if (!file_) file_ = Fd(memfd_create("script", MFD_CLOEXEC));
  if (!file_) return -1;
  // A page of its own for each piece: sockets still refer to the ones before.
  const off_t at = lseek(file_.get(), 0, SEEK_END);
  const off_t from = (at + 4095) / 4096 * 4096;
  content_->fill(number_, direction_, sent_, buffer_.data(), size);
  if (pwrite(file_.get(), buffer_.data(), size, from) != static_cast<ssize_t>(size)) return -1;
  return lseek(file_.get(), from, SEEK_SET) == -1 ? -1 : 0;
}

ssize_t ScriptEnd::write_file(SendBy by, size_t size) {
  if (fill_file(size) == -1) return -1;
  off_t at = lseek(file_.get(), 0, SEEK_CUR);
  if (by == SendBy::kSendfile) return sendfile(fd_.get(), file_.get(), &at, size);
  if (!pipe_read_) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) return -1;
    pipe_read_ = Fd(ends[0]);
    pipe_write_ = Fd(ends[1]);
  }
  loff_t from = at;
  const ssize_t in = splice(file_.get(), &from, pipe_write_.get(), nullptr, size, 0);
  if (in <= 0) return in;
  const ssize_t out =
      splice(pipe_read_.get(), nullptr, fd_.get(), nullptr, static_cast<size_t>(in), 0);
  // What stays in the pipe would come in front of what is sent next.
  if (out < in) {
    pipe_read_.reset();
    pipe_write_.reset();
  }
  return out;
}

// 48 one-byte buffers or as many as there are bytes, the rest behind them, all in one splice.
ssize_t ScriptEnd::write_slots(size_t size) {
  constexpr size_t kSlots = 48;
  content_->fill(number_, direction_, sent_, buffer_.data(), size);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) return -1;
  const Fd out(ends[0]), in(ends[1]);
  // A slot for each byte and some for the rest: a pipe has 16 unless it is asked for more.
  if (fcntl(in.get(), F_SETPIPE_SZ, 64 * 4096) == -1) return -1;
  const size_t slots = std::min(size, kSlots);
  for (size_t at = 0; at < slots; at++) {
    const iovec slot{buffer_.data() + at, 1};
    if (vmsplice(in.get(), &slot, 1, 0) != 1) return -1;
  }
  if (size > slots &&
      write(in.get(), buffer_.data() + slots, size - slots) != static_cast<ssize_t>(size - slots)) {
    return -1;
  }
  return splice(out.get(), nullptr, fd_.get(), nullptr, size, 0);
}

StepOutcome ScriptEnd::send_bytes(Doing& doing) {
  const Step& step = doing.step;
  const bool endless = step.until == Until::kBlocked || step.until == Until::kHeld;
  const uint64_t from = sent_;
  send_from_ = from;
  // Of kHeld the bytes are what the forwarder is to hold.
  const bool unlimited = step.until == Until::kHeld || (endless && step.bytes == 0);
  const uint64_t amount = unlimited ? UINT64_MAX : step.bytes;
  while (doing.record.bytes < amount) {
    // What is taken and kept by nobody who reads would fill this machine's memory.
    if (unlimited && doing.record.bytes >= step.limit) return StepOutcome::kUnbounded;
    size_t size = std::min<uint64_t>(step.piece == 0 ? kBuffer : step.piece, kBuffer);
    size = std::min<uint64_t>(size, amount - doing.record.bytes);
    const bool last = doing.record.bytes + size == amount;
    const ssize_t sent = write_some(step, size, step.finish && last);
    if (sent > 0) {
      sent_ += static_cast<uint64_t>(sent);
      doing.record.bytes = sent_ - from;
      blocked_since_ = 0;
      if (step.interval_ns != 0) nap(doing, step.interval_ns);
      if (step.until == Until::kHeld && is_held(step)) return StepOutcome::kDone;
      continue;
    }
    if (sent == -1 && errno != EAGAIN && errno != EINTR) {
      doing.record.error = errno;
      if (record_.error == 0) record_.error = errno;
      return StepOutcome::kEnded;
    }
    const uint64_t now = monotonic_ns();
    uint64_t none = 0;
    blocked_since_.compare_exchange_strong(none, now);
    const bool quiet = now - blocked_since_ >= step.quiet_ns;
    // What could not be sent is not: the end comes behind what was.
    if (step.until == Until::kBlocked && quiet) {
      return step.finish ? finish(doing) : StepOutcome::kDone;
    }
    if (step.until == Until::kHeld && (is_held(step) || quiet)) return StepOutcome::kDone;
    if (out_of_time(doing)) return StepOutcome::kTimeout;
    pollfd writable{fd_.get(), POLLOUT, 0};
    poll(&writable, 1, endless ? 1 : 20);
  }
  return step.finish ? finish(doing) : StepOutcome::kDone;
}

// The forwarder has read all that came, and keeps more than asked for, still after a while.
bool ScriptEnd::is_held(const Step& step) {
  const bool up = direction_ == Direction::kUp;
  for (int look = 0; look < 2; look++) {
    if (look == 1) sleep_ns(std::max<uint64_t>(step.quiet_ns / 4, kLookNs));
    const Queues queues = shared_.observer->look(shared_.names);
    const SocketState& from = queues[up ? kAccepted : kConnected];
    const uint64_t held = up ? held_up(queues) : held_down(queues);
    if (from.unread != 0 || held <= step.bytes) return false;
  }
  return true;
}

ssize_t ScriptEnd::take_some(size_t most) {
  const ssize_t got = recv(fd_.get(), buffer_.data(), std::min(most, buffer_.size()), MSG_DONTWAIT);
  if (got > 0) {
    checker_.feed(buffer_.data(), static_cast<size_t>(got));
    received_ += static_cast<uint64_t>(got);
    return got;
  }
  if (got == -1 && (errno == EAGAIN || errno == EINTR)) return -1;
  // A reset is told once, to whoever asks first: a read after a write that was told so says 0.
  const bool told_writer = got == 0 && record_.error == ECONNRESET;
  record_.seen = got == 0 && !told_writer ? SeenEnd::kOrderly : SeenEnd::kBroken;
  if (got == -1) record_.error = errno;
  record_.seen_ns = monotonic_ns();
  return 0;
}

StepOutcome ScriptEnd::read_bytes(Doing& doing) {
  const Step& step = doing.step;
  const uint64_t amount = step.bytes == 0 ? UINT64_MAX : step.bytes;
  const uint64_t over_ns = step.for_ns == 0 ? UINT64_MAX : doing.record.begin_ns + step.for_ns;
  while (doing.record.bytes < amount) {
    if (record_.seen != SeenEnd::kNone) {
      // Who reads for a time has read all of a stream that ended in order before it was over.
      const bool timed = step.for_ns != 0 && step.bytes == 0;
      const bool orderly = record_.seen == SeenEnd::kOrderly;
      const bool done = step.until == Until::kEnd || (timed && orderly);
      return done ? StepOutcome::kDone : StepOutcome::kEnded;
    }
    if (monotonic_ns() >= over_ns) return StepOutcome::kDone;
    // Also of a stream that never ends: somebody may repeat it for ever.
    if (out_of_time(doing)) return StepOutcome::kTimeout;
    uint64_t most = amount - doing.record.bytes;
    if (step.rate != 0) most = std::min(most, std::max<uint64_t>(1, step.rate / kSlicesPerSecond));
    const ssize_t got = take_some(most);
    if (got > 0) {
      doing.record.bytes += static_cast<uint64_t>(got);
      if (step.rate != 0) sleep_ns(static_cast<uint64_t>(got) * 1'000'000'000 / step.rate);
      continue;
    }
    if (got == 0) continue;
    pollfd readable{fd_.get(), POLLIN, 0};
    poll(&readable, 1, 20);
  }
  return StepOutcome::kDone;
}

bool ScriptEnd::is_still(Doing& doing) {
  const Queues queues = shared_.observer->look(shared_.names);
  const uint64_t counts = sent_ + received_ + other_->sent_ + other_->received_;
  const uint64_t now = monotonic_ns();
  if (counts != doing.last_counts || !same_queues(queues, doing.last)) {
    doing.last = queues;
    doing.last_counts = counts;
    doing.since_ns = now;
  }
  return now - doing.since_ns >= doing.step.quiet_ns;
}

// Who is busy may read late, and who holds enough reads nothing: hence an end to the waiting, which
// is no failure. Without a forwarder the other end is who reads.
bool ScriptEnd::is_noticed(const Doing& doing) {
  const bool up = direction_ == Direction::kUp;
  const Queues queues = shared_.observer->look(shared_.names);
  const SocketState& forwarder = queues[up ? kAccepted : kConnected];
  const SocketState& reader = forwarder.known ? forwarder : queues[up ? kServer : kClient];
  return reader.taken > send_from_ || monotonic_ns() - doing.record.begin_ns >= doing.step.quiet_ns;
}

StepOutcome ScriptEnd::wait_for(Doing& doing) {
  const Step& step = doing.step;
  for (;;) {
    bool there = false;
    switch (step.until) {
      case Until::kEnd: {
        pollfd ended{fd_.get(), POLLRDHUP, 0};
        there = poll(&ended, 1, 0) == 1;
        break;
      }
      case Until::kArrived: {
        int unread = 0;
        there =
            ioctl(fd_.get(), SIOCINQ, &unread) == 0 && static_cast<uint64_t>(unread) >= step.bytes;
        break;
      }
      case Until::kBlocked: {
        const uint64_t under_way = other_->passed_ + 1;
        const uint64_t since = other_->blocked_since_;
        const uint64_t at = other_->blocked_at_;
        const bool now = since != 0 && monotonic_ns() - since >= step.quiet_ns;
        there = now || at > blocked_met_;
        if (there) blocked_met_ = now ? under_way : at;
        break;
      }
      case Until::kHeld:
        there = is_held(step);
        break;
      case Until::kStill:
        there = is_still(doing);
        break;
      case Until::kNoticed:
        there = is_noticed(doing);
        break;
      default:
        there = other_->passed_ > step.bytes;
    }
    if (there) return StepOutcome::kDone;
    // Nothing that is waited for comes any more from an end that is over.
    if (step.until == Until::kOther && other_->over_) return StepOutcome::kEnded;
    if (out_of_time(doing)) return StepOutcome::kTimeout;
    nap(doing, kLookNs);
  }
}

EndRecord ScriptEnd::take_record(uint64_t sent) {
  record_.sent = sent_;
  record_.received = received_;
  record_.cut = checker_.finish(sent);
  record_.beyond_end = checker_.beyond_end();
  record_.totals = checker_.totals();
  record_.incidents = checker_.incidents();
  return std::move(record_);
}

}  // namespace splicebench
