// splice: socket to pipe to socket, without the bytes ever entering this process.
//
// A flow holds a pipe only while the pipe holds data, so that idle connections need none. The pipe
// is filled only when it is empty. That makes both meanings of EAGAIN plain: when filling, it can
// only say "the socket has nothing now" (it also says so for a full pipe, and taking one for the
// other stalls or spins); when draining, it can only say "the output is full".
//
// With `read-when-pipe-holds-data` the pipe is filled also while it holds bytes. EAGAIN of a fill
// then has two meanings, as has an end beside an urgent byte, and both are decided only when the
// pipe is empty: until then they say no more than "drain first". That loses no wake-up, since a
// pipe which holds bytes is waiting for its output, and is filled again as soon as that takes some.
//
// `nonblock: false` is for seeing what the 2008 report saw: a fill waits for room in a full pipe,
// which nobody but this thread would make. Only together with the option above can it come to that,
// and only a signal ends it (LoopThread::interrupt).
//
// `beyond` asks the output for far more than the pipe holds, and `resize` changes the pipe's size
// while it holds bytes: both must change nothing.
//
// When no pipe can be made (descriptors exhausted) the flow copies until one can.

#include <algorithm>
#include <memory>
#include <vector>

#include "forward/flow.h"
#include "forward/pipe.h"

namespace splicebench {
namespace {

constexpr size_t kDefaultPipe = size_t{1} << 20;
// How much one call may take. The pipe's slots limit it in practice: a slot holds a page fragment,
// which is up to 32 KiB, so that a pipe can hold many times its nominal size.
constexpr size_t kMostAtOnce = size_t{1} << 30;
constexpr size_t kFallbackBuffer = size_t{64} << 10;

struct SpliceShared {
  SpliceShared(Sys& s, ForwarderStats& st, const Settings& settings)
      : sys(s),
        stats(st),
        fill_flags((settings.flag("move", true) ? SPLICE_F_MOVE : 0u) |
                   (settings.flag("nonblock", true) ? SPLICE_F_NONBLOCK : 0u)),
        drain_flags(fill_flags | (settings.flag("more", false) ? SPLICE_F_MORE : 0u)),
        fill_while_held(settings.flag("read-when-pipe-holds-data", false)),
        chunk(settings.size("chunk", kMostAtOnce)),
        beyond(settings.flag("beyond", false)),
        resize(settings.size("resize", 0)),
        pool(s, settings.size("pipe", kDefaultPipe), settings.flag("nonblock", true)) {}
  Sys& sys;
  ForwarderStats& stats;
  const unsigned fill_flags;
  const unsigned drain_flags;
  const bool fill_while_held;
  const size_t chunk;   // most bytes asked for by one splice
  const bool beyond;    // the output is asked to take far more than the pipe holds
  const size_t resize;  // other size that a pipe gets while it holds data; 0 = it keeps its own
  PipePool pool;
};

class SpliceFlow final : public Flow {
 public:
  SpliceFlow(SpliceShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered) {}
  SpliceFlow(const SpliceFlow&) = delete;
  SpliceFlow& operator=(const SpliceFlow&) = delete;
  // A pipe that ends with data in it is destroyed: pooled, it would hand this connection's bytes to
  // the next.
  ~SpliceFlow() override {
    if (pipe_) close_pipe(sys_, *pipe_);
  }

  bool holds_data() const override { return held_ != 0 || !copied_.empty(); }
  void note_urgent() override { urgent_ = true; }

  PumpResult pump(int in, int out, size_t budget) override {
    if (!copied_.empty()) return copy_once(in, out);
    if (!pipe_) {
      pipe_ = shared_.pool.take();
      if (!pipe_) {
        shared_.stats.copy_fallbacks.add(1);
        return copy_once(in, out);
      }
      shared_.stats.pipe_capacity.set(shared_.pool.smallest_capacity());
      shared_.stats.pipes_created.set(shared_.pool.created());
    }
    const PumpResult result = move(in, out, budget);
    if (held_ == 0) {
      shared_.pool.give_back_empty(*pipe_);
      pipe_.reset();
    }
    return result;
  }

 private:
  PumpResult move(int in, int out, size_t budget) {
    for (size_t taken = 0; taken < budget;) {
      bool filled = false;
      if (held_ == 0 || shared_.fill_while_held) {
        const ssize_t got =
            sys_.splice(in, pipe_->write, shared_.chunk, shared_.fill_flags, {id_, received_});
        const bool undecided = held_ != 0 && (got == 0 || got == -EAGAIN);
        // Splice does not pass an urgent byte. It says "nothing now", and, once the peer has ended
        // its stream, "end", whatever waits behind that byte: so ends are asked for twice.
        if (!undecided) {
          if (got == -EAGAIN && !urgent_) return {PumpEnd::kInputDry};
          if (got == 0 && ended(in)) return {PumpEnd::kFinished};
          if (got == 0 || got == -EAGAIN) {
            urgent_ = false;
            return copy_once(in, out);
          }
          if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
          received_ += static_cast<uint64_t>(got);
          held_ += static_cast<size_t>(got);
          taken += static_cast<size_t>(got);
          filled = true;
          if (shared_.resize != 0) resize();
        }
      }
      const size_t most = shared_.beyond ? kMostAtOnce : std::min(held_, shared_.chunk);
      const ssize_t sent =
          sys_.splice(pipe_->read, out, most, shared_.drain_flags, {id_, sent_, true});
      if (sent == -EAGAIN && filled && shared_.fill_while_held) continue;  // there may be room yet
      if (sent == -EAGAIN) return {PumpEnd::kOutputFull};
      if (sent <= 0) return {PumpEnd::kFailed, sent == 0 ? EPIPE : static_cast<int>(-sent)};
      held_ -= static_cast<size_t>(sent);
      count_sent(sent);
    }
    return {PumpEnd::kBudget};
  }

  // To the other size and back, by turns, while the pipe holds bytes. Refused (EBUSY) where they
  // take more slots than the smaller size has.
  void resize() {
    small_ = !small_;
    const size_t size = small_ ? shared_.resize : std::max(pipe_->capacity, size_t{4096});
    sys_.fcntl(pipe_->write, F_SETPIPE_SZ, static_cast<int>(size));
  }

  bool ended(int in) {
    uint8_t byte;
    return sys_.recv(in, &byte, 1, MSG_PEEK, {id_, received_}) == 0;
  }

  // One buffer's worth by copying. What the output did not take is kept in copied_.
  PumpResult copy_once(int in, int out) {
    if (copied_.empty()) {
      copied_.resize(kFallbackBuffer);
      const ssize_t got = sys_.recv(in, copied_.data(), copied_.size(), 0, {id_, received_});
      copied_.resize(got > 0 ? static_cast<size_t>(got) : 0);
      if (got == -EAGAIN) return {PumpEnd::kInputDry};
      if (got == 0) return {PumpEnd::kFinished};
      if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
      received_ += static_cast<uint64_t>(got);
    }
    const ssize_t sent =
        sys_.send(out, copied_.data(), copied_.size(), MSG_NOSIGNAL, {id_, sent_, true});
    if (sent == -EAGAIN) return {PumpEnd::kOutputFull};
    if (sent < 0) return {PumpEnd::kFailed, static_cast<int>(-sent)};
    copied_.erase(copied_.begin(), copied_.begin() + sent);
    count_sent(sent);
    return {copied_.empty() ? PumpEnd::kBudget : PumpEnd::kOutputFull};
  }

  void count_sent(ssize_t sent) {
    sent_ += static_cast<uint64_t>(sent);
    delivered_.add(static_cast<uint64_t>(sent));
  }

  SpliceShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  std::optional<Pipe> pipe_;
  size_t held_ = 0;      // bytes in the pipe
  bool small_ = false;   // the pipe was given its other size last
  bool urgent_ = false;  // an urgent byte was reported and may still be there
  std::vector<uint8_t> copied_;
};

class SpliceForwarder final : public Forwarder, private FlowFactory {
 public:
  void run(ForwarderContext& context) override {
    shared_ = std::make_unique<SpliceShared>(context.sys, context.stats, context.options.settings);
    run_relay(context, *this);
    shared_.reset();  // closes the pipes kept, while their closing still counts
  }

 private:
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<SpliceFlow>(*shared_, id, delivered);
  }
  void release_spare() override { shared_->pool.clear(); }

  std::unique_ptr<SpliceShared> shared_;
};

}  // namespace

std::unique_ptr<Forwarder> make_splice() {
  return std::make_unique<SpliceForwarder>();
}

}  // namespace splicebench
