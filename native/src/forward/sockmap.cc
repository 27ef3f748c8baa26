// sockmap: a BPF program redirects what arrives on one socket to the other, as
// the manual's examples do. Nothing bounds what the kernel holds for a reader
// that is slower than its sender, and an end of stream is passed on at once:
// what is held then is lost. This is the mechanism's known defect, kept so that
// it can be measured; sockmap-paced is the remedy, and flags: ingress
// (sockmap_ingress.cc) the other place that a redirect can go to.

#include "forward/sockmap_flow.h"

namespace splicebench {
namespace {

std::unique_ptr<Forwarder> make(const Settings& settings) {
  return std::make_unique<SockmapForwarder>(SockmapPolicy{
      .ingress = settings.mode<bool>("flags", {{"egress", false}, {"ingress", true}})});
}

const Registered kSockmap({"sockmap", make, SockmapKernel::unavailable});

}  // namespace

}  // namespace splicebench
