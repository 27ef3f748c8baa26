#include "posix/affinity.h"

#include <pthread.h>
#include <sched.h>

#include <thread>

namespace splicebench {

bool run_on(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return false;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  return pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus) == 0;
}

std::vector<std::optional<double>> on_each(const std::vector<int>& cpus,
                                           const std::function<double()>& measure) {
  std::vector<std::optional<double>> found(cpus.size());
  std::vector<std::thread> threads;
  for (size_t index = 0; index < cpus.size(); ++index) {
    threads.emplace_back([&, index] {
      if (run_on(cpus[index])) found[index] = measure();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return found;
}

}  // namespace splicebench
