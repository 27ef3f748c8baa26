// faulty: copies, and on purpose does to the stream what a broken forwarder would. For proving that
// each such thing is seen, never for measuring.

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "counters/clock.h"
#include "faults/burner.h"
#include "faults/conduct.h"
#include "faults/fault.h"
#include "faults/zerocopy_early.h"
#include "forward/flow.h"

namespace splicebench {
namespace {

constexpr size_t kBuffer = size_t{64} << 10;
// How long a connection's stretch waits for another's to be exchanged with.
constexpr uint64_t kPartnerNs = 3'000'000'000;

// Where two flows exchange a stretch: the first leaves its own and waits.
struct Exchange {
  const void* waiting = nullptr;
  std::vector<uint8_t> left;
  bool answered = false;
};

class FaultyFlow final : public Flow {
 public:
  FaultyFlow(Sys& sys, const Fault& fault, bool concerned, std::vector<uint8_t>& buffer,
             Exchange& exchange, Conduct& conduct, Burner& burner, Counter& faults, uint32_t id,
             Counter& delivered)
      : sys_(sys),
        fault_(fault),
        concerned_(concerned),
        next_(concerned && fault.has_place() ? fault.at : UINT64_MAX),
        extra_(concerned && fault.kind == FaultKind::kExtra),
        buffer_(buffer),
        exchange_(exchange),
        conduct_(conduct),
        burner_(burner),
        faults_(faults),
        id_(id),
        delivered_(delivered) {}
  ~FaultyFlow() override {
    if (exchange_.waiting == this) exchange_ = {};
    conduct_.forget(id_);
  }

  bool holds_data() const override {
    return begin_ < pending_.size() || waiting_ || !window_.empty();
  }

  void note_end() override {
    hung_up_ = true;
    if (full_ && is(FaultKind::kEndOnHangUp)) assumed_ = true;
  }

  PumpResult connected(int /*in*/, int /*out*/) override { return {dry()}; }

  PumpResult pump(int in, int out, size_t budget) override {
    full_ = false;
    if (is(FaultKind::kAnswerCutAfterHalfClose) && conduct_.partner_ended(id_)) cut();
    for (size_t taken = 0; taken < budget;) {
      if (begin_ < pending_.size()) {
        const ssize_t sent = sys_.send(out, pending_.data() + begin_, pending_.size() - begin_,
                                       MSG_NOSIGNAL, {id_, sent_, CallSide::kOut});
        if (sent == -EAGAIN) return blocked();
        if (sent < 0) return {PumpEnd::kFailed, static_cast<int>(-sent)};
        begin_ += static_cast<size_t>(sent);
        if (begin_ < pending_.size()) repeat(static_cast<size_t>(sent));
        sent_ += static_cast<uint64_t>(sent);
        delivered_.add(static_cast<uint64_t>(sent));
        burner_.burn();
        continue;
      }
      pending_.clear();
      begin_ = 0;
      if (waiting_) {
        if (!partner_came()) return {PumpEnd::kBudget};
        continue;
      }
      if (finished_ || assumed_) return {PumpEnd::kFinished};
      if (broken_) {
        if (fault_.kind == FaultKind::kStall) return {PumpEnd::kOutputFull};
        if (fault_.kind == FaultKind::kReset) return {PumpEnd::kFailed, ECONNABORTED};
        // Early end: what still comes is taken and dropped, so that the sender sees nothing of it.
        if (!shut_) sys_.shutdown(out, SHUT_WR);
        shut_ = true;
      }
      const ssize_t got = sys_.recv(in, buffer_.data(), buffer_.size(), 0, {id_, received_});
      if (got == -EAGAIN) return {dry()};
      if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
      if (got == 0) {
        end_of_stream();
        continue;
      }
      received_ += static_cast<uint64_t>(got);
      taken += static_cast<size_t>(got);
      if (is(FaultKind::kLate)) late();
      take(buffer_.data(), static_cast<size_t>(got));
    }
    return {PumpEnd::kBudget};
  }

 private:
  bool is(FaultKind kind) const { return concerned_ && fault_.kind == kind; }

  void make_once() {
    if (!made_) faults_.add(1);
    made_ = true;
  }

  PumpResult blocked() {
    full_ = true;
    if (is(FaultKind::kEndOnHangUp) && hung_up_) assumed_ = true;
    if (assumed_) make_once();
    if (!is(FaultKind::kSpinWhileBlocked)) return {PumpEnd::kOutputFull};
    make_once();
    return {PumpEnd::kBudget};
  }

  PumpEnd dry() {
    if (!is(FaultKind::kSpinWhileBlocked)) return PumpEnd::kInputDry;
    make_once();
    return PumpEnd::kWait;
  }

  // Once a stream: it would not get on otherwise.
  void repeat(size_t sent) {
    if (!is(FaultKind::kRepeatAfterShortWrite) || made_) return;
    begin_ -= std::min<size_t>(sent, fault_.length);
    make_once();
  }

  void late() {
    keep_late();
    make_once();
  }

  void cut() {
    pending_.clear();
    begin_ = 0;
    broken_ = true;
    make_once();
  }

  void append(const uint8_t* bytes, size_t size) {
    pending_.insert(pending_.end(), bytes, bytes + size);
  }

  // Takes the stream's next bytes: what is not in a fault's window passes.
  void take(const uint8_t* bytes, size_t size) {
    while (size > 0 && !broken_) {
      size_t step = size;
      if (window_.empty() && position_ < next_) {
        step = static_cast<size_t>(std::min<uint64_t>(size, next_ - position_));
        append(bytes, step);
      } else {
        step = std::min(size, fault_.window() - window_.size());
        window_.insert(window_.end(), bytes, bytes + step);
      }
      bytes += step;
      size -= step;
      position_ += step;
      if (position_ < next_ || window_.size() < fault_.window()) continue;
      make_fault();
      if (waiting_) {
        rest_.assign(bytes, bytes + size);
        return;
      }
    }
  }

  void make_fault() {
    const uint64_t offset = next_;
    next_ = fault_.every == 0 ? UINT64_MAX : next_ + std::max(fault_.every, fault_.window());
    switch (fault_.kind) {
      case FaultKind::kStall:
      case FaultKind::kReset:
      case FaultKind::kFin:
        broken_ = true;
        break;
      case FaultKind::kCross:
        cross();
        return;
      default: {
        const std::vector<uint8_t> bytes = fault_.edited(window_, offset);
        append(bytes.data(), bytes.size());
      }
    }
    window_.clear();
    faults_.add(1);
  }

  void cross() {
    if (exchange_.waiting != nullptr && !exchange_.answered) {
      append(exchange_.left.data(), exchange_.left.size());
      exchange_.left = std::move(window_);
      exchange_.answered = true;
      window_.clear();
      faults_.add(1);
      return;
    }
    if (exchange_.waiting != nullptr) {  // two others are at it
      append(window_.data(), window_.size());
      window_.clear();
      return;
    }
    exchange_ = {this, window_, false};
    waiting_ = true;
    deadline_ = monotonic_ns() + kPartnerNs;
  }

  // True when this flow goes on: with the other's bytes, or with its own when nobody came.
  bool partner_came() {
    if (!exchange_.answered && monotonic_ns() < deadline_) return false;
    const std::vector<uint8_t>& bytes = exchange_.answered ? exchange_.left : window_;
    append(bytes.data(), bytes.size());
    if (exchange_.answered) faults_.add(1);
    exchange_ = {};
    waiting_ = false;
    window_.clear();
    const std::vector<uint8_t> rest = std::move(rest_);
    take(rest.data(), rest.size());
    return true;
  }

  void end_of_stream() {
    finished_ = true;
    conduct_.note_end(id_);
    append(window_.data(), window_.size());
    window_.clear();
    if (!extra_) return;
    const std::vector<uint8_t> bytes = fault_.edited({}, position_);
    append(bytes.data(), bytes.size());
    faults_.add(1);
  }

  Sys& sys_;
  const Fault& fault_;
  bool concerned_;
  uint64_t next_;  // where the next fault is
  bool extra_;
  std::vector<uint8_t>& buffer_;
  Exchange& exchange_;
  Conduct& conduct_;
  Burner& burner_;
  Counter& faults_;
  uint32_t id_;
  Counter& delivered_;
  uint64_t received_ = 0;
  uint64_t position_ = 0;  // bytes of the input that were decided on
  uint64_t sent_ = 0;
  std::vector<uint8_t> pending_;
  size_t begin_ = 0;
  std::vector<uint8_t> window_;
  std::vector<uint8_t> rest_;  // behind a window that waits
  uint64_t deadline_ = 0;
  bool waiting_ = false;
  bool broken_ = false;
  bool shut_ = false;
  bool finished_ = false;
  bool hung_up_ = false;  // the input has ended or is broken, read or not
  bool full_ = false;     // the output took nothing at the last attempt
  bool assumed_ = false;  // the end, without a read
  bool made_ = false;     // a fault of conduct
};

// Which directions a fault is made in.
using Concerned = std::array<bool, 2>;

class FaultyForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit FaultyForwarder(const Settings& settings)
      : fault_(fault_from(settings)),
        concerned_(settings.mode<Concerned>(
            "direction",
            {{"download", {true, false}}, {"upload", {false, true}}, {"both", {true, true}}})),
        burner_(settings.size("burn")) {}
  void run(ForwarderContext& context) override {
    sys_ = &context.sys;
    listener_ = context.listener;
    run_relay(context, *this);
    conduct_ = Conduct();
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"faults", &faults_}, {"burned_cpu_ns", &burner_.burned_ns()}};
  }

 private:
  // The relay numbers the flows of a session 2n (from upstream) and 2n + 1.
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    const bool concerned = concerned_[id % 2];
    if (concerned && fault_.kind == FaultKind::kZerocopyEarly) {
      return make_zerocopy_early(*sys_, buffer_, id, faults_, delivered);
    }
    if (concerned && fault_.kind == FaultKind::kLeakDescriptors) {
      conduct_.leak(*sys_, listener_);
      faults_.add(1);
    }
    return std::make_unique<FaultyFlow>(*sys_, fault_, concerned, buffer_, exchanges_[id % 2],
                                        conduct_, burner_, faults_, id, delivered);
  }
  uint32_t events() const override {
    const bool hang_ups = fault_.kind == FaultKind::kEndOnHangUp;
    return FlowFactory::events() | (hang_ups ? EPOLLRDHUP : 0u);
  }
  bool uses_error_queue() const override { return fault_.kind == FaultKind::kZerocopyEarly; }

  Sys* sys_ = nullptr;
  int listener_ = -1;
  const Fault fault_;
  const Concerned concerned_;
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(kBuffer);
  std::array<Exchange, 2> exchanges_;
  Conduct conduct_;
  Burner burner_;
  Counter faults_;
};

const Registered kFaulty({"faulty", make_of<FaultyForwarder>});

}  // namespace

}  // namespace splicebench
