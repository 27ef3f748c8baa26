// The fault zerocopy-early: a buffer given to the kernel by MSG_ZEROCOPY is filled again at once.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "forward/flow.h"

namespace splicebench {

// `buffer` is every flow's; `faults` counts fillings while the kernel has not said that it is done.
std::unique_ptr<Flow> make_zerocopy_early(Sys& sys, std::vector<uint8_t>& buffer, uint32_t id,
                                          Counter& faults, Counter& delivered);

}  // namespace splicebench
