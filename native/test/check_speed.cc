// GB/s of the checker on sound and on damaged streams, beside memcpy.   check_speed [ROUNDS]
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "stream/check.h"
#include "testing.h"

using namespace splicebench;
using Bytes = std::vector<uint8_t>;

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 11;
  constexpr size_t kSize = 8 << 20, kChunk = 64 << 10;
  const std::shared_ptr<const Content> content = make_stamped_content(1, {2, 3});
  testing::Random random(1);

  Bytes sound(kSize), noise(kSize), foreign(kSize), shifted(kSize);
  content->fill(5, Direction::kDown, 0, sound.data(), kSize);
  content->fill(6, Direction::kDown, 0, foreign.data(), kSize);
  content->fill(5, Direction::kDown, 12345, shifted.data(), kSize);
  random.fill(noise.data(), kSize);
  Bytes flips = sound, pieces = sound;
  for (size_t i = 50; i < kSize; i += 100) flips[i] ^= 4;
  for (size_t i = 50; i + 2000 < kSize; i += 4096) memcpy(&pieces[i], &foreign[i + 3], 2000);

  struct Subject {
    std::string name;
    std::function<void()> pass;
    std::vector<double> gbps;
  };
  std::vector<Subject> subjects;
  Bytes copy(kChunk);
  subjects.push_back({"memcpy",
                      [&] {
                        for (size_t i = 0; i < kSize; i += kChunk) {
                          memcpy(copy.data(), &sound[i], kChunk);
                          asm volatile("" ::"r"(copy.data()) : "memory");
                        }
                      },
                      {}});
  const auto check = [&](const char* name, const Bytes& bytes) {
    subjects.push_back({name,
                        [&] {
                          Checker checker(content, {.connection = 5});
                          for (size_t i = 0; i < kSize; i += kChunk)
                            checker.feed(&bytes[i], kChunk);
                          checker.finish(kSize);
                        },
                        {}});
  };
  check("sound", sound);
  check("all shifted", shifted);
  check("all another connection's", foreign);
  check("pieces of another's", pieces);
  check("flip each 100 bytes", flips);
  check("random bytes", noise);

  for (int round = 0; round < rounds; round++)
    for (Subject& subject : subjects) {
      const auto start = std::chrono::steady_clock::now();
      subject.pass();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      subject.gbps.push_back(static_cast<double>(kSize) / took.count() / 1e9);
    }
  for (Subject& subject : subjects) {
    std::sort(subject.gbps.begin(), subject.gbps.end());
    printf("%-26s %7.2f GB/s\n", subject.name.c_str(), subject.gbps[subject.gbps.size() / 2]);
  }
}
