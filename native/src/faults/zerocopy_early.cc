#include "faults/zerocopy_early.h"

#include <sys/socket.h>

namespace splicebench {
namespace {

// What is still in the send queue shows what the buffer holds by the time it is sent.
class ZerocopyEarlyFlow final : public Flow {
 public:
  ZerocopyEarlyFlow(Sys& sys, std::vector<uint8_t>& buffer, uint32_t id, Counter& faults,
                    Counter& delivered)
      : sys_(sys), buffer_(buffer), id_(id), faults_(faults), delivered_(delivered) {}

  // What could not be sent is kept apart, as the buffer is not this flow's alone.
  bool holds_data() const override { return begin_ < kept_.size(); }
  // No completion is ever waited for.
  void note_error_queue(int out) override {
    alignas(cmsghdr) uint8_t control[128];
    for (;;) {
      msghdr message{};
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      if (sys_.recvmsg(out, &message, MSG_ERRQUEUE) < 0) return;
      lent_ = false;
    }
  }

  PumpResult pump(int in, int out, size_t budget) override {
    if (!asked_) ask(out);
    for (size_t taken = 0; taken < budget;) {
      if (holds_data()) {
        const ssize_t sent = give(out, kept_.data() + begin_, kept_.size() - begin_, MSG_NOSIGNAL);
        if (sent == -EAGAIN) return {PumpEnd::kOutputFull};
        if (sent < 0) return {PumpEnd::kFailed, static_cast<int>(-sent)};
        begin_ += static_cast<size_t>(sent);
        continue;
      }
      const ssize_t got = sys_.recv(in, buffer_.data(), buffer_.size(), 0, {id_, received_});
      if (got == -EAGAIN) return {PumpEnd::kInputDry};
      if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
      if (got == 0) return {PumpEnd::kFinished};
      if (lent_) faults_.add(1);
      received_ += static_cast<uint64_t>(got);
      taken += static_cast<size_t>(got);
      const auto size = static_cast<size_t>(got);
      ssize_t sent = give(out, buffer_.data(), size, MSG_NOSIGNAL | MSG_ZEROCOPY);
      lent_ = lent_ || sent > 0;
      if (sent == -EAGAIN || sent == -ENOBUFS) sent = 0;
      if (sent < 0) return {PumpEnd::kFailed, static_cast<int>(-sent)};
      kept_.assign(buffer_.begin() + sent, buffer_.begin() + got);
      begin_ = 0;
    }
    return {PumpEnd::kBudget};
  }

 private:
  void ask(int out) {
    const int one = 1;
    sys_.setsockopt(out, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
    asked_ = true;
  }

  ssize_t give(int out, const uint8_t* bytes, size_t size, int flags) {
    const ssize_t sent = sys_.send(out, bytes, size, flags, {id_, sent_, CallSide::kOut});
    if (sent > 0) {
      sent_ += static_cast<uint64_t>(sent);
      delivered_.add(static_cast<uint64_t>(sent));
    }
    return sent;
  }

  Sys& sys_;
  std::vector<uint8_t>& buffer_;
  uint32_t id_;
  Counter& faults_;
  Counter& delivered_;
  std::vector<uint8_t> kept_;
  size_t begin_ = 0;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  bool asked_ = false;
  bool lent_ = false;  // the kernel has the buffer, and has not said that it is done
};

}  // namespace

std::unique_ptr<Flow> make_zerocopy_early(Sys& sys, std::vector<uint8_t>& buffer, uint32_t id,
                                          Counter& faults, Counter& delivered) {
  return std::make_unique<ZerocopyEarlyFlow>(sys, buffer, id, faults, delivered);
}

}  // namespace splicebench
