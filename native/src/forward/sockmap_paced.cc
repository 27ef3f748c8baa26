// sockmap-paced: sockmap with a bound on what the kernel holds, and an end of
// stream that is passed on only when the bytes before it are in the output's
// send queue.

#include "forward/sockmap_flow.h"

namespace splicebench {
namespace {

std::unique_ptr<Forwarder> make(const Settings& settings) {
  return std::make_unique<SockmapForwarder>(SockmapPolicy{
      .limit = settings.size("backlog"), .drain = true, .cut = settings.flag("cut"), .mark = true});
}

const Registered kSockmapPaced({"sockmap-paced", make, SockmapKernel::unavailable});

}  // namespace

}  // namespace splicebench
