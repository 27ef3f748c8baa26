// sockmap: a BPF program redirects what arrives on one socket to the other, as
// the manual's examples do. Nothing bounds what the kernel holds for a reader
// that is slower than its sender, and an end of stream is passed on at once:
// what is held then is lost. This is the mechanism's known defect, kept so that
// it can be measured; sockmap-paced is the remedy, and flags: ingress
// (sockmap_ingress.cc) the other place that a redirect can go to.

#include "forward/sockmap_flow.h"

namespace splicebench {
namespace {

class Sockmap final : public SockmapForwarder {
  SockmapPolicy policy(const Settings& settings) const override {
    return {.ingress = settings.text("flags", "egress") == "ingress"};
  }
};

}  // namespace

std::unique_ptr<Forwarder> make_sockmap() {
  return std::make_unique<Sockmap>();
}

std::string sockmap_unavailable() {
  return SockmapKernel::unavailable();
}

}  // namespace splicebench
