// sockmap with flags: ingress. The program puts what arrives on one socket into
// the *receive* queue of the session's other socket, where this process reads
// it and sends it on through that same socket. The kernel saves nothing by it:
// every byte is copied twice, as `copy` does, after a detour. What it shows is
// what the redirect itself costs, and how the flag differs: what is redirected
// can be counted and read to the last byte, so that the end of a stream takes
// nothing with it. It is not bounded either.
//
// All that can be read from the output are the bytes of this direction: its own
// arrivals go to the input.

#include <algorithm>

#include "forward/session_socket.h"
#include "forward/sockmap_flow.h"

namespace splicebench {
namespace {

constexpr size_t kCopyAtOnce = size_t{256} << 10;

class SockmapIngressFlow final : public Flow {
 public:
  SockmapIngressFlow(SockmapShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered) {}
  SockmapIngressFlow(const SockmapIngressFlow&) = delete;
  SockmapIngressFlow& operator=(const SockmapIngressFlow&) = delete;
  ~SockmapIngressFlow() override {
    if (!direction_) return;
    look();
    shared_.figures.backlog.set(shared_.figures.backlog.get() - backlog_);
    shared_.kernel.release(in_, *direction_);
  }

  PumpResult connected(int in, int out) override {
    in_ = in;
    SockmapKernel::Direction direction{};
    if (shared_.kernel.redirect(in, out, UINT64_MAX, direction) == 0) {
      direction_ = direction;
    } else {
      shared_.stats.copy_fallbacks.add(1);
    }
    // One direction alone would leave two streams in one receive queue, which
    // nobody could tell apart. The session's other direction came just before.
    const bool second = (id_ & 1) != 0;
    const bool other_redirected = shared_.latest == (id_ ^ 1);
    if (second && direction_.has_value() != other_redirected) return {PumpEnd::kFailed, EIO};
    if (direction_) shared_.latest = id_;
    return {PumpEnd::kInputDry};
  }

  PumpResult pump(int in, int out, size_t budget) override {
    if (ended_) {
      if (const int error = pending_error(sys_, in); error != 0) return {PumpEnd::kFailed, error};
    }
    if (direction_) look();
    for (size_t moved = 0; moved < budget;) {
      if (held() > 0) {
        const ssize_t sent = sys_.send(out, buffer_.data() + begin_, held(),
                                       MSG_NOSIGNAL | MSG_DONTWAIT, {id_, sent_, CallSide::kOut});
        if (sent == -EAGAIN) return {PumpEnd::kOutputFull};
        if (sent < 0) return {PumpEnd::kFailed, static_cast<int>(-sent)};
        count_sent(static_cast<uint64_t>(sent));
        moved += static_cast<size_t>(sent);
        if (held() > 0) return {PumpEnd::kOutputFull};
      }
      const uint64_t due = direction_ ? unread() : kCopyAtOnce;
      if (due == 0) return ended_ ? finish() : PumpResult{PumpEnd::kInputDry};
      buffer_.resize(std::min<uint64_t>(due, kCopyAtOnce));
      begin_ = 0;
      const ssize_t got = sys_.recv(direction_ ? out : in, buffer_.data(), buffer_.size(),
                                    MSG_DONTWAIT, {id_, received_});
      buffer_.resize(got > 0 ? static_cast<size_t>(got) : 0);
      if (got > 0) received_ += static_cast<uint64_t>(got);
      // Under way to the queue; an event tells when it is there. Once the
      // output's peer has ended its own stream, an empty queue reads as its end.
      if (got == -EAGAIN || (got == 0 && direction_)) return {PumpEnd::kInputDry};
      if (got == 0) return {PumpEnd::kFinished};
      if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
    }
    return {PumpEnd::kBudget};
  }

  void note_end() override { ended_ = true; }
  // What waits in the output's receive queue counts: its arrival is an event of
  // the output, not of the input.
  bool holds_data() const override { return held() > 0 || (direction_ && unread() > 0); }

 private:
  size_t held() const { return buffer_.size() - begin_; }
  uint64_t unread() const { return direction_->tally->redirected.load() - received_; }

  // The input has ended or is broken, and all that was redirected was sent.
  PumpResult finish() {
    const tcp_info info = tcp_information(sys_, in_);
    if (!peer_has_ended(info.tcpi_state)) {
      ended_ = false;
      return {PumpEnd::kInputDry};
    }
    shared_.kernel.settle(in_);
    if (unread() > 0) return {PumpEnd::kBudget};
    // Its end counts as a byte.
    if (seen_once(shared_, received_ + 1, info.tcpi_bytes_received)) return {PumpEnd::kFinished};
    return {PumpEnd::kFailed, EIO};
  }

  void count_sent(uint64_t size) {
    begin_ += size;
    sent_ += size;
    delivered_.add(size);
    shared_.figures.copied.add(size);
  }

  void look() {
    SockmapFigures& figures = shared_.figures;
    const uint64_t redirected = direction_->tally->redirected.load();
    figures.redirected.add(redirected - counted_);
    counted_ = redirected;
    const uint64_t backlog = redirected - received_;
    figures.backlog.set(figures.backlog.get() + backlog - backlog_);
    backlog_ = backlog;
    if (figures.backlog.get() > figures.backlog_peak.get()) {
      figures.backlog_peak.set(figures.backlog.get());
    }
  }

  SockmapShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  int in_ = -1;
  std::optional<SockmapKernel::Direction> direction_;  // empty: copied from the input
  bool ended_ = false;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  uint64_t counted_ = 0;         // of those redirected, in the shared figure
  uint64_t backlog_ = 0;         // in the shared figure
  std::vector<uint8_t> buffer_;  // received and not yet sent, from begin_
  size_t begin_ = 0;
};

}  // namespace

std::unique_ptr<Flow> open_sockmap_ingress(SockmapShared& shared, uint32_t id, Counter& delivered) {
  return std::make_unique<SockmapIngressFlow>(shared, id, delivered);
}

}  // namespace splicebench
