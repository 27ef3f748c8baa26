#include "counters/sys.h"

namespace splicebench {

const char* call_name(Call call) {
#define SPLICEBENCH_NAME(id, name) name,
  static constexpr std::array<const char*, kCalls> kNames = {
      SPLICEBENCH_SYSTEM_CALLS(SPLICEBENCH_NAME) SPLICEBENCH_OPERATIONS(SPLICEBENCH_NAME)};
#undef SPLICEBENCH_NAME
  return kNames[static_cast<size_t>(call)];
}

}  // namespace splicebench
