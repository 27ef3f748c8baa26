// faulty: copies, and on purpose does to the stream what a broken forwarder would. For proving that
// each such thing is seen, never for measuring.

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "counters/clock.h"
#include "forward/flow.h"
#include "lab/fault.h"

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
             Exchange& exchange, Counter& faults, uint32_t id, Counter& delivered)
      : sys_(sys),
        fault_(fault),
        next_(concerned && fault.kind != FaultKind::kNone && fault.kind != FaultKind::kExtra
                  ? fault.at
                  : UINT64_MAX),
        extra_(concerned && fault.kind == FaultKind::kExtra),
        buffer_(buffer),
        exchange_(exchange),
        faults_(faults),
        id_(id),
        delivered_(delivered) {}
  ~FaultyFlow() override {
    if (exchange_.waiting == this) exchange_ = {};
  }

  bool holds_data() const override {
    return begin_ < pending_.size() || waiting_ || !window_.empty();
  }

  PumpResult pump(int in, int out, size_t budget) override {
    for (size_t taken = 0; taken < budget;) {
      if (begin_ < pending_.size()) {
        const ssize_t sent = sys_.send(out, pending_.data() + begin_, pending_.size() - begin_,
                                       MSG_NOSIGNAL, {id_, sent_, true});
        if (sent == -EAGAIN) return {PumpEnd::kOutputFull};
        if (sent < 0) return {PumpEnd::kFailed, static_cast<int>(-sent)};
        begin_ += static_cast<size_t>(sent);
        sent_ += static_cast<uint64_t>(sent);
        delivered_.add(static_cast<uint64_t>(sent));
        continue;
      }
      pending_.clear();
      begin_ = 0;
      if (waiting_) {
        if (!partner_came()) return {PumpEnd::kBudget};
        continue;
      }
      if (finished_) return {PumpEnd::kFinished};
      if (broken_) {
        if (fault_.kind == FaultKind::kStall) return {PumpEnd::kOutputFull};
        if (fault_.kind == FaultKind::kReset) return {PumpEnd::kFailed, ECONNABORTED};
        // Early end: what still comes is taken and dropped, so that the sender sees nothing of it.
        if (!shut_) sys_.shutdown(out, SHUT_WR);
        shut_ = true;
      }
      const ssize_t got = sys_.recv(in, buffer_.data(), buffer_.size(), 0, {id_, received_});
      if (got == -EAGAIN) return {PumpEnd::kInputDry};
      if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
      if (got == 0) {
        end_of_stream();
        continue;
      }
      received_ += static_cast<uint64_t>(got);
      taken += static_cast<size_t>(got);
      take(buffer_.data(), static_cast<size_t>(got));
    }
    return {PumpEnd::kBudget};
  }

 private:
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
    append(window_.data(), window_.size());
    window_.clear();
    if (!extra_) return;
    const std::vector<uint8_t> bytes = fault_.edited({}, position_);
    append(bytes.data(), bytes.size());
    faults_.add(1);
  }

  Sys& sys_;
  const Fault& fault_;
  uint64_t next_;  // where the next fault is
  bool extra_;
  std::vector<uint8_t>& buffer_;
  Exchange& exchange_;
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
};

class FaultyForwarder final : public Forwarder, private FlowFactory {
 public:
  void run(ForwarderContext& context) override {
    sys_ = &context.sys;
    const Settings& settings = context.options.settings;
    fault_ = fault_from(settings);
    const std::string direction = settings.text("direction", "download");
    concerned_ = {direction != "upload", direction != "download"};
    run_relay(context, *this);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"faults", &faults_}};
  }

 private:
  // The relay numbers the flows of a session 2n (from upstream) and 2n + 1.
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<FaultyFlow>(*sys_, fault_, concerned_[id % 2], buffer_,
                                        exchanges_[id % 2], faults_, id, delivered);
  }

  Sys* sys_ = nullptr;
  Fault fault_;
  std::array<bool, 2> concerned_{};
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(kBuffer);
  std::array<Exchange, 2> exchanges_;
  Counter faults_;
};

}  // namespace

std::unique_ptr<Forwarder> make_faulty() {
  return std::make_unique<FaultyForwarder>();
}

}  // namespace splicebench
