// uring-splice: socket to pipe to socket by linked operations: one submission fills a pipe and,
// when that is done, drains it.
//
// The kernel never tries a splice where it is submitted: each goes to a thread of its own kind
// (io-wq), of which one is kept, on the forwarder's CPUs. So every splice costs a hand-over between
// threads, and the forwarder's CPU time includes that thread's. Nothing ever blocks it: sockets and
// pipes do not.
//
// As in splice, a pipe is held only while there is data in it and filled only when it is empty, so
// that each EAGAIN has one meaning.
//
// The input is none of those that splice, splice-tee, file and vmsplice share (PipedInput): there
// the result of a call decides at once what is done next, here it comes when the drain behind it is
// under way already, and what it says of an end has to be asked for afterwards.

#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "forward/pipe.h"
#include "forward/uring_relay.h"
#include "posix/error.h"
#include "uring/probe.h"
#include "uring/workers.h"

namespace splicebench {
namespace {

constexpr uint32_t kMostAtOnce = uint32_t{1} << 30;
constexpr uint32_t kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
constexpr size_t kFallbackBuffer = size_t{64} << 10;
constexpr uint32_t kWorkers = 1;

// Flows that may have splices under way at once: more would not be faster, as one thread does them
// all, and each takes a pipe.
constexpr size_t kTurns = 16;

class UringSpliceFlow;

struct Shared {
  Shared(Sys& s, ForwarderStats& st, size_t pipe) : sys(s), pool(s, st, pipe) {}

  // False = the flow waits, and is called when its turn has come.
  bool take_turn(UringSpliceFlow& flow) {
    if (free_turns > 0) {
      --free_turns;
      return true;
    }
    waiting.push_back(&flow);
    return false;
  }
  void end_turn();

  Sys& sys;
  PipePool pool;
  size_t free_turns = kTurns;
  std::deque<UringSpliceFlow*> waiting;
};

class UringSpliceFlow final : public UringFlow {
 public:
  UringSpliceFlow(Shared& shared, UringPort& port, const UringEnds& ends, Counter& delivered)
      : shared_(shared), sys_(shared.sys), port_(port), ends_(ends), delivered_(delivered) {}

  void input_event() override { readable_ = true; }
  void output_event() override { writable_ = true; }

  void complete(UringOp op, const UringResult& result) override {
    if (op == UringOp::kFill) {
      note_fill(result.value);
    } else {
      note_drain(op == UringOp::kSend ? Call::kUringSend : Call::kUringSplice, result.value);
    }
    if (abandoned_) end_turn();
  }

  UringProgress advance() override {
    if (under_way_ > 0 || waits_) return {};
    const UringProgress progress = step();
    end_turn();  // unless it goes on
    return progress;
  }

  // Its turn has come.
  void called() {
    waits_ = false;
    has_turn_ = true;
    used_turn_ = false;
    port_.advance_later(ends_.id);
  }

  // Completions of what is under way follow; the pipe goes with the flow.
  void abandon() override {
    abandoned_ = true;
    if (waits_) std::erase(shared_.waiting, this);
    waits_ = false;
    end_turn();
  }

 private:
  UringProgress step() {
    if (error_ != 0) return {UringProgress::kFailed, error_};
    if (ended_ && !holds_data()) return {UringProgress::kFinished};
    if (holds_data()) {
      if (writable_) drain();
      return {};
    }
    if (doubtful_) return look();
    if (!readable_) {
      shared_.pool.give_back_empty(pipe_);
      return {};
    }
    return take_input();
  }

  void end_turn() {
    if (!has_turn_ || under_way_ > 0) return;
    has_turn_ = false;
    shared_.end_turn();
  }

  bool holds_data() const { return held_ != 0 || copied_begin_ < copied_.size(); }

  void note_fill(int32_t got) {
    --under_way_;
    sys_.completed(Call::kUringSplice, got, kMostAtOnce, {ends_.serial, received_});
    if (got > 0) {
      held_ = static_cast<size_t>(got);
      received_ += held_;
      // The call may have stopped at a full pipe: ask once more.
      readable_ = true;
      dry_ = 0;
    } else if (got == 0 || got == -EAGAIN) {
      doubtful_ = true;
      dry_ = got == 0 ? 2 : dry_ + 1;
    } else if (got != -ECANCELED) {
      error_ = -got;
    }
  }

  // Of the pipe, or of what was copied.
  void note_drain(Call call, int32_t sent) {
    --under_way_;
    const size_t asked = call == Call::kUringSend ? copied_.size() - copied_begin_ : held_;
    sys_.completed(call, sent, asked, {ends_.serial, sent_, CallSide::kOut});
    if (sent > 0) {
      const auto size = static_cast<size_t>(sent);
      sent_ += size;
      delivered_.add(size);
      if (call == Call::kUringSend) {
        copied_begin_ += size;
      } else {
        unpushed_ = true;
        held_ -= size;
      }
      // A full output tells when it takes more; what it told since the submission is in writable_.
      if (size == asked) writable_ = true;
    } else if (sent == -EAGAIN || sent == -ECANCELED || asked == 0) {
      if (asked == 0) writable_ = true;  // behind a fill that brought nothing
    } else {
      error_ = sent == 0 ? EPIPE : -sent;
    }
    if (!holds_data()) {
      copied_.clear();
      copied_begin_ = 0;
    }
  }

  // Splice does not pass an urgent byte. It says "nothing now", and, once the peer has ended its
  // stream, "end", whatever waits behind that byte. A receive that takes nothing tells; where it
  // sees bytes that splice does not, twice, they are copied.
  UringProgress look() {
    doubtful_ = false;
    const ssize_t seen = sys_.look(ends_.in);
    if (seen == 0) return end();
    if (seen < 0 && seen != -EAGAIN) return {UringProgress::kFailed, static_cast<int>(-seen)};
    if (seen > 0) return take_input();
    dry_ = 0;
    push();
    // Events that came while the fill was under way may tell of bytes that came after it.
    if (readable_) return take_input();
    shared_.pool.give_back_empty(pipe_);
    return {};
  }

  // The kernel hands a pipe to a socket sixteen buffers at a time. Where the last of these is the
  // pipe's last, too, and more was asked for than there was, as in a chain, which cannot know how
  // much it will be, it counts that one as still to come and sends with MSG_MORE: the end of the
  // bytes would stay for the 200 ms that a cork lasts. This option, set again, sends what waits.
  void push() {
    if (!std::exchange(unpushed_, false)) return;
    const int on = 1;
    sys_.setsockopt(ends_.out, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }

  UringProgress end() {
    ended_ = true;
    shared_.pool.give_back_empty(pipe_);
    return {UringProgress::kFinished};
  }

  UringProgress take_input() {
    doubtful_ = false;
    if (dry_ > 1) return copy_once();
    // One turn each while others wait.
    if (used_turn_ && !shared_.waiting.empty()) end_turn();
    if (!has_turn_) has_turn_ = shared_.take_turn(*this);
    if (!has_turn_) {
      waits_ = true;
      shared_.pool.give_back_empty(pipe_);
      return {};
    }
    if (!pipe_) pipe_ = shared_.pool.take();
    if (!pipe_) return copy_once();
    used_turn_ = true;
    readable_ = writable_ = false;
    const auto [fill, drain] = port_.prepare_chain(ends_.id, UringOp::kFill, UringOp::kDrain);
    prepare(*fill, ends_.in, pipe_->write.get(), kMostAtOnce);
    prepare(*drain, pipe_->read.get(), ends_.out, kMostAtOnce);
    under_way_ = 2;
    return {};
  }

  void drain() {
    writable_ = false;
    under_way_ = 1;
    if (held_ > 0) {
      uring::Sqe& sqe = port_.prepare(ends_.id, UringOp::kDrain);
      prepare(sqe, pipe_->read.get(), ends_.out, static_cast<uint32_t>(held_));
      return;
    }
    uring::Sqe& sqe = port_.prepare(ends_.id, UringOp::kSend);
    sqe.opcode = uring::kOpSend;
    sqe.fd = ends_.out;
    sqe.addr = reinterpret_cast<uint64_t>(copied_.data() + copied_begin_);
    sqe.len = static_cast<uint32_t>(copied_.size() - copied_begin_);
    sqe.op_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  }

  static void prepare(uring::Sqe& sqe, int from, int to, uint32_t size) {
    sqe.opcode = uring::kOpSplice;
    sqe.splice_fd_in = from;
    sqe.addr = UINT64_MAX;  // no offset in either
    sqe.off = UINT64_MAX;
    sqe.fd = to;
    sqe.len = size;
    sqe.op_flags = kFlags;
  }

  // One buffer's worth by copying.
  UringProgress copy_once() {
    dry_ = 0;
    copied_.resize(kFallbackBuffer);
    const ssize_t got =
        sys_.recv(ends_.in, copied_.data(), copied_.size(), 0, {ends_.serial, received_});
    copied_.resize(got > 0 ? static_cast<size_t>(got) : 0);
    if (got == -EAGAIN) {
      readable_ = false;
      shared_.pool.give_back_empty(pipe_);
      return {};
    }
    if (got == 0) return end();
    if (got < 0) return {UringProgress::kFailed, static_cast<int>(-got)};
    received_ += static_cast<uint64_t>(got);
    readable_ = true;  // there may be more, of which no event will tell
    drain();
    return {};
  }

  Shared& shared_;
  Sys& sys_;
  UringPort& port_;
  UringEnds ends_;
  Counter& delivered_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  std::optional<Pipe> pipe_;  // one that ends with data in it is closed, never pooled
  size_t held_ = 0;           // bytes in the pipe
  std::vector<uint8_t> copied_;
  size_t copied_begin_ = 0;
  int error_ = 0;
  uint8_t under_way_ = 0;
  bool readable_ = false;
  bool writable_ = true;
  uint8_t dry_ = 0;  // fills in a row that brought nothing; 2 = bytes that splice does not pass
  bool doubtful_ = false;  // whether there is nothing or an end is to be asked by a receive
  bool unpushed_ = false;  // spliced since the output was last told to send all it has
  bool ended_ = false;
  bool has_turn_ = false;
  bool used_turn_ = false;
  bool waits_ = false;  // for a turn
  bool abandoned_ = false;
};

void Shared::end_turn() {
  if (waiting.empty()) {
    ++free_turns;
    return;
  }
  waiting.front()->called();
  waiting.pop_front();
}

class UringSpliceForwarder final : public Forwarder, private UringMechanism {
 public:
  explicit UringSpliceForwarder(const Settings& settings) : pipe_(settings.size("pipe")) {}
  void run(ForwarderContext& context) override {
    Shared shared(context.sys, context.stats, pipe_);
    shared_ = &shared;
    uring::Ring ring(context.sys);  // closed before the pipes go
    uring::open_for_relay(ring);
    const int error = uring::confine_workers(ring, kWorkers);
    if (error < 0) throw SystemError("io_uring_register", "workers", -error);
    run_uring_relay(context, ring, *this);
    final_cpu_ns_.set(uring::workers_cpu_ns());
  }

  uint64_t helper_cpu_ns() const override {
    const uint64_t last = final_cpu_ns_.get();
    return last != 0 ? last : uring::workers_cpu_ns();
  }

 private:
  std::unique_ptr<UringFlow> open(UringPort& port, const UringEnds& ends,
                                  Counter& delivered) override {
    return std::make_unique<UringSpliceFlow>(*shared_, port, ends, delivered);
  }
  bool watches_input() const override { return true; }
  void release_spare() override { shared_->pool.clear(); }

  const size_t pipe_;
  Shared* shared_ = nullptr;  // while run() goes on
  Counter final_cpu_ns_;
};

std::string unavailable() {
  return uring::missing({.operations = {uring::kOpSplice, uring::kOpSend}, .workers = true});
}

const Registered kUringSplice({"uring-splice", make_of<UringSpliceForwarder>, unavailable});

}  // namespace

}  // namespace splicebench
