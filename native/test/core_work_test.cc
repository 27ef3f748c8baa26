// The time of a fixed piece of work on CPUs.
#include "counters/core_work.h"

#include <sched.h>

#include "testing.h"

using namespace splicebench;

int main() {
  const int own = sched_getcpu();
  const auto found = core_work_ns({own, own, -1, CPU_SETSIZE, CPU_SETSIZE - 1});
  CHECK(found.size() == 5);
  for (size_t index : {0, 1}) {
    CHECK(found[index].has_value());
    // 72,000 additions that no compiler has done beforehand.
    CHECK(found[index].value_or(0) > 1000);
  }
  for (size_t index : {2, 3, 4}) CHECK(!found[index].has_value());
  CHECK(core_work_ns({}).empty());
  printf("core_work_test: %s\n", testing::failures ? "FAILED" : "ok");
  return testing::failures != 0;
}
