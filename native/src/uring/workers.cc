#include "uring/workers.h"

#include <dirent.h>
#include <sched.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace splicebench::uring {

int confine_workers(Ring& ring, uint32_t count) {
  uint32_t most[2] = {count, count};
  const int limited = ring.register_with(kRegisterIowqMaxWorkers, most, 2);
  if (limited < 0) return limited;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == -1) return -errno;
  return ring.register_with(kRegisterIowqAff, &cpus, sizeof(cpus));
}

namespace {

// Up to the first `size` - 1 bytes of a small file; empty when it is gone.
std::string contents(const std::string& path) {
  char text[64] = "";
  FILE* file = fopen(path.c_str(), "re");
  if (!file) return text;
  if (!fgets(text, sizeof(text), file)) text[0] = 0;
  fclose(file);
  return text;
}

}  // namespace

uint64_t workers_cpu_ns() {
  DIR* folder = opendir("/proc/self/task");
  if (!folder) return 0;
  uint64_t sum = 0;
  while (const dirent* entry = readdir(folder)) {
    const std::string task = std::string("/proc/self/task/") + entry->d_name;
    if (entry->d_name[0] == '.' || contents(task + "/comm").rfind("iou-wrk-", 0) != 0) continue;
    sum += strtoull(contents(task + "/schedstat").c_str(), nullptr, 10);
  }
  closedir(folder);
  return sum;
}

}  // namespace splicebench::uring
