// sockmap-paced: sockmap with a bound on what the kernel holds, and an end of
// stream that is passed on only when the bytes before it are in the output's
// send queue.

#include "forward/sockmap_flow.h"

namespace splicebench {
namespace {

constexpr size_t kDefaultBacklog = size_t{4} << 20;

class SockmapPaced final : public SockmapForwarder {
  SockmapPolicy policy(const Settings& settings) const override {
    return {.limit = settings.size("backlog", kDefaultBacklog),
            .drain = true,
            .cut = settings.flag("cut", true)};
  }
};

}  // namespace

std::unique_ptr<Forwarder> make_sockmap_paced() {
  return std::make_unique<SockmapPaced>();
}

}  // namespace splicebench
