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
#include "forward/piped_input.h"

namespace splicebench {
namespace {

// How much one call may take. The pipe's slots limit it in practice: a slot holds a page fragment,
// which is up to 32 KiB, so that a pipe can hold many times its nominal size.
constexpr size_t kMostAtOnce = size_t{1} << 30;

struct SpliceOptions {
  explicit SpliceOptions(const Settings& settings)
      : nonblock(settings.flag("nonblock")),
        fill_flags((settings.flag("move") ? SPLICE_F_MOVE : 0u) |
                   (nonblock ? SPLICE_F_NONBLOCK : 0u)),
        drain_flags(fill_flags | (settings.flag("more") ? SPLICE_F_MORE : 0u)),
        fill_while_held(settings.flag("read-when-pipe-holds-data")),
        chunk(settings.size("chunk")),
        beyond(settings.flag("beyond")),
        resize(settings.size("resize")),
        pipe(settings.size("pipe")) {}
  bool nonblock;
  unsigned fill_flags;
  unsigned drain_flags;
  bool fill_while_held;
  size_t chunk;   // most bytes asked for by one splice
  bool beyond;    // the output is asked to take far more than the pipe holds
  size_t resize;  // other size that a pipe gets while it holds data; 0 = it keeps its own
  size_t pipe;
};

struct SpliceShared {
  SpliceShared(Sys& s, ForwarderStats& st, const SpliceOptions& o)
      : sys(s), options(o), pool(s, st, o.pipe, o.nonblock) {}
  Sys& sys;
  const SpliceOptions options;
  PipePool pool;
};

class SpliceFlow final : public Flow {
 public:
  SpliceFlow(SpliceShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered), input_(sys_, id) {}
  SpliceFlow(const SpliceFlow&) = delete;
  SpliceFlow& operator=(const SpliceFlow&) = delete;

  bool holds_data() const override { return held_ != 0 || !input_.copied().empty(); }
  void note_urgent() override { input_.note_urgent(); }

  PumpResult pump(int in, int out, size_t budget) override {
    if (!input_.copied().empty()) return copy_once(in, out);
    if (!pipe_) pipe_ = shared_.pool.take();
    if (!pipe_) return copy_once(in, out);
    const PumpResult result = move(in, out, budget);
    if (held_ == 0) shared_.pool.give_back_empty(pipe_);
    return result;
  }

 private:
  PumpResult move(int in, int out, size_t budget) {
    for (size_t taken = 0; taken < budget;) {
      bool filled = false;
      if (held_ == 0 || shared_.options.fill_while_held) {
        const std::optional<ssize_t> got = fill(in);
        if (!got) return copy_once(in, out);
        const bool undecided = held_ != 0 && (*got == 0 || *got == -EAGAIN);
        if (!undecided) {
          if (*got <= 0) return without_input(*got);
          held_ += static_cast<size_t>(*got);
          taken += static_cast<size_t>(*got);
          filled = true;
          if (shared_.options.resize != 0) resize();
        }
      }
      const size_t most =
          shared_.options.beyond ? kMostAtOnce : std::min(held_, shared_.options.chunk);
      const ssize_t sent = sys_.splice(pipe_->read.get(), out, most, shared_.options.drain_flags,
                                       {id_, sent_, CallSide::kOut});
      if (sent == -EAGAIN && filled && shared_.options.fill_while_held)
        continue;  // there may be room yet
      if (sent <= 0) return without_output(sent);
      held_ -= static_cast<size_t>(sent);
      count_sent(sent);
    }
    return {PumpEnd::kBudget};
  }

  // To the other size and back, by turns, while the pipe holds bytes. Refused (EBUSY) where they
  // take more slots than the smaller size has.
  void resize() {
    small_ = !small_;
    const size_t size = small_ ? shared_.options.resize : std::max(pipe_->capacity, size_t{4096});
    sys_.fcntl(pipe_->write.get(), F_SETPIPE_SZ, static_cast<int>(size));
  }

  // Asking a pipe that holds bytes decides nothing but that there are more.
  std::optional<ssize_t> fill(int in) {
    const SpliceOptions& options = shared_.options;
    if (held_ != 0) return input_.fill_further(in, *pipe_, options.chunk, options.fill_flags);
    return input_.fill(in, *pipe_, options.chunk, options.fill_flags);
  }

  // One buffer's worth by copying.
  PumpResult copy_once(int in, int out) {
    if (input_.copied().empty()) {
      if (const ssize_t got = input_.copy(in); got <= 0) return without_input(got);
    }
    const ssize_t sent = input_.send_copied(out, sent_);
    if (sent <= 0) return without_output(sent);
    count_sent(sent);
    return {input_.copied().empty() ? PumpEnd::kBudget : PumpEnd::kOutputFull};
  }

  void count_sent(ssize_t sent) {
    sent_ += static_cast<uint64_t>(sent);
    delivered_.add(static_cast<uint64_t>(sent));
  }

  SpliceShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  PipedInput input_;
  uint64_t sent_ = 0;
  // One that ends with data in it is closed: pooled, it would hand this connection's bytes to the
  // next.
  std::optional<Pipe> pipe_;
  size_t held_ = 0;     // bytes in the pipe
  bool small_ = false;  // the pipe was given its other size last
};

class SpliceForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit SpliceForwarder(const Settings& settings) : options_(settings) {}
  void run(ForwarderContext& context) override {
    SpliceShared shared(context.sys, context.stats, options_);
    shared_ = &shared;
    run_relay(context, *this);
  }

 private:
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<SpliceFlow>(*shared_, id, delivered);
  }
  void release_spare() override { shared_->pool.clear(); }

  const SpliceOptions options_;
  SpliceShared* shared_ = nullptr;  // while run() goes on
};

const Registered kSplice({"splice", make_of<SpliceForwarder>});

}  // namespace

}  // namespace splicebench
