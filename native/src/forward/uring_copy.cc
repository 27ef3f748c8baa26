// uring-copy: received by a multishot receive into shared buffers, sent from them, through
// io_uring. No bundles of receives: from Linux 6.13.11 on they can arrive out of order.

#include <memory>

#include "forward/uring_stream.h"
#include "posix/error.h"
#include "uring/probe.h"

namespace splicebench {
namespace {

constexpr uint16_t kReady = 2;

class UringCopyFlow final : public UringStreamFlow {
 public:
  using UringStreamFlow::UringStreamFlow;

 private:
  void start_send() override { prepare_send(uring::kOpSendmsg); }
  Call send_call() const override { return Call::kUringSend; }
};

class UringCopyForwarder final : public Forwarder {
 public:
  explicit UringCopyForwarder(const Settings& settings) : buffer_(settings.size("buffer")) {}
  void run(ForwarderContext& context) override {
    UringStreams streams(context.sys, buffer_, kReady);
    uring::Ring ring(context.sys);  // closed before the buffers go
    uring::open_for_relay(ring);
    const int error = streams.buffers.open(ring);
    if (error < 0) throw SystemError("io_uring_register", "buffers", -error);
    UringStreamMechanism<UringCopyFlow, UringStreams> mechanism(streams);
    run_uring_relay(context, ring, mechanism);
  }

 private:
  const size_t buffer_;
};

std::string unavailable() {
  return uring::missing({.operations = {uring::kOpSendmsg}, .receive = true});
}

const Registered kUringCopy({"uring-copy", make_of<UringCopyForwarder>, unavailable});

}  // namespace

}  // namespace splicebench
