// How long a thread waits for its CPU: hardly where nothing else wants it, as long as the others
// run where something does.
#include "counters/cpu_wait.h"

#include <sched.h>

#include <atomic>
#include <thread>

#include "posix/affinity.h"
#include "testing.h"

using namespace splicebench;

namespace {

constexpr double kFree = 500'000;
constexpr double kTaken = 1'000'000;
constexpr int kMost = 20'000;

// Whether a wait comes, among many, that fulfils it: other programs come and go, and whoever is
// there has its turn sooner or later.
bool comes(int cpu, bool (*wanted)(double ns)) {
  for (int count = 0; count < kMost; ++count) {
    const std::optional<double> ns = cpu_wait_ns({cpu})[0];
    if (ns && wanted(*ns)) return true;
  }
  return false;
}

}  // namespace

int main() {
  const int own = sched_getcpu();
  const auto found = cpu_wait_ns({own, -1, CPU_SETSIZE});
  CHECK(found.size() == 3);
  CHECK(found[0].has_value() && !found[1].has_value() && !found[2].has_value());
  CHECK(cpu_wait_ns({}).empty());

  CHECK(comes(own, [](double ns) { return ns < kFree; }));
  std::atomic<bool> stop = false;
  std::atomic<bool> runs = false;
  std::thread other([&] {
    run_on(own);
    runs = true;
    while (!stop) {
    }
  });
  while (!runs) std::this_thread::yield();
  // The least that the kernel lets a thread run is far longer than four calls.
  CHECK(comes(own, [](double ns) { return ns > kTaken; }));
  stop = true;
  other.join();
  printf("cpu_wait_test: %s\n", testing::failures ? "FAILED" : "ok");
  return testing::failures != 0;
}
