#include "faults/conduct.h"

#include <fcntl.h>

#include <ctime>

namespace splicebench {

void Conduct::forget(uint32_t flow) {
  if (gone_.erase(flow ^ 1) == 0) {
    gone_.insert(flow);
    return;
  }
  ended_.erase(flow);
  ended_.erase(flow ^ 1);
}

void Conduct::leak(Sys& sys, int listener) {
  const int copy = sys.fcntl(listener, F_DUPFD_CLOEXEC, 0);
  if (copy >= 0) leaked_.emplace_back(copy);
}

void keep_late() {
  constexpr timespec kWhile{0, 50'000'000};
  nanosleep(&kWhile, nullptr);
}

}  // namespace splicebench
