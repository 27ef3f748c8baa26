// GB/s of memcpy, fill and match by each engine, on a buffer that fits the L2 cache.
// Interleaved, because the machine's speed drifts: each round runs everything once; the median of
// the rounds and its ratio to memcpy's are printed.   stamp_speed [BYTES] [ROUNDS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "stream/stamp.h"

using namespace splicebench;

namespace {

struct Subject {
  std::string name;
  std::function<void()> pass;
  std::vector<double> gbps;
};

double measure(const std::function<void()>& pass, size_t bytes) {
  using Clock = std::chrono::steady_clock;
  constexpr double kSeconds = 0.01;
  size_t passes = 0;
  const auto start = Clock::now();
  double elapsed;
  do {
    for (int i = 0; i < 8; i++) pass();
    passes += 8;
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (elapsed < kSeconds);
  return static_cast<double>(passes * bytes) / elapsed / 1e9;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const size_t bytes = argc > 1 ? strtoul(argv[1], nullptr, 0) : 256 * 1024;
  const int rounds = argc > 2 ? atoi(argv[2]) : 21;
  const StampKey key(1);
  // An offset as after some odd receive, and a buffer aligned as malloc does.
  constexpr uint64_t kOffset = 1000003;
  std::vector<uint8_t> buffer(bytes), copy(bytes);
  stamp_engine().fill(key, 5, Direction::kDown, kOffset, buffer.data(), bytes);

  std::vector<Subject> subjects;
  subjects.push_back({"memcpy",
                      [&] {
                        memcpy(copy.data(), buffer.data(), bytes);
                        asm volatile("" ::"r"(copy.data()) : "memory");
                      },
                      {}});
  for (const StampEngine* engine : stamp_engines()) {
    subjects.push_back({std::string(engine->name) + " fill",
                        [&, engine] {
                          engine->fill(key, 5, Direction::kDown, kOffset, copy.data(), bytes);
                          asm volatile("" ::"r"(copy.data()) : "memory");
                        },
                        {}});
    subjects.push_back(
        {std::string(engine->name) + " match",
         [&, engine] {
           if (engine->match(key, 5, Direction::kDown, kOffset, buffer.data(), bytes) != bytes)
             abort();
         },
         {}});
  }
  for (int round = 0; round < rounds; round++)
    for (Subject& subject : subjects) subject.gbps.push_back(measure(subject.pass, bytes));

  const double reference = median(subjects.front().gbps);
  printf("%zu bytes, median of %d rounds\n", bytes, rounds);
  for (const Subject& subject : subjects) {
    const double value = median(subject.gbps);
    printf("%-16s %7.2f GB/s  %.2f of memcpy\n", subject.name.c_str(), value, value / reference);
  }
}
