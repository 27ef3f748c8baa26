// The least a native test needs: CHECK, a random source that a seed repeats, arguments.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

namespace splicebench::testing {

inline uint64_t failures = 0;

// Counts a failure and goes on: the program's end reports and sets the exit code.
#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "%s:%d: CHECK(%s)\n", __FILE__, __LINE__, #condition); \
      splicebench::testing::failures++;                                      \
    }                                                                        \
  } while (0)

// The value of --NAME, or `otherwise`.
inline uint64_t argument(int argc, char** argv, const char* name, uint64_t otherwise) {
  for (int i = 1; i + 1 < argc; i++)
    if (strcmp(argv[i], name) == 0) return strtoull(argv[i + 1], nullptr, 0);
  return otherwise;
}

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t bits() { return engine_(); }
  // At least low, less than high.
  uint64_t range(uint64_t low, uint64_t high) { return low + engine_() % (high - low); }
  bool chance(unsigned one_in) { return engine_() % one_in == 0; }
  // Mostly small, now and then large: every power of two up to high is as likely.
  uint64_t scale(uint64_t low, uint64_t high) {
    uint64_t top = low + 1;
    while (top < high && !chance(6)) top *= 2;
    return range(low, top < high ? top : high);
  }
  void fill(uint8_t* out, size_t size) {
    for (size_t i = 0; i < size; i++) out[i] = static_cast<uint8_t>(engine_() >> 24);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace splicebench::testing
