// What the fuzzer does not reach: long streams, many incidents, other contents, bounds, threads.
#include "stream/check.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testing.h"

using namespace splicebench;
using testing::Random;

namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint64_t kUnknown = UINT64_MAX;
constexpr uint32_t kConnection = 3;

const std::shared_ptr<const Content>& stamped() {
  static const std::shared_ptr<const Content> content = make_stamped_content(1, {77, 78});
  return content;
}

Bytes sent(uint64_t offset, size_t size, uint32_t connection = kConnection,
           Direction direction = Direction::kDown) {
  Bytes bytes(size);
  stamped()->fill(connection, direction, offset, bytes.data(), size);
  return bytes;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Checker checked(const Bytes& received, uint64_t length, uint64_t* truncated = nullptr,
                std::shared_ptr<const Content> content = stamped()) {
  Checker checker(std::move(content), {.connection = kConnection});
  for (size_t fed = 0; fed < received.size();) {
    const size_t step = std::min<size_t>(received.size() - fed, 65536);
    checker.feed(received.data() + fed, step);
    fed += step;
  }
  const uint64_t missing = checker.finish(length);
  if (truncated != nullptr) *truncated = missing;
  return checker;
}

bool is(const Incident& i, IncidentClass kind, uint64_t offset, uint64_t length) {
  return i.kind == kind && i.offset == offset && i.length == length;
}

constexpr size_t kMiB = 1 << 20;

// A jump that lasted is a loss, even if as many bytes come too many later.
void a_loss_is_believed_after_a_while() {
  const Bytes garbage(1000, 0x11);
  {
    const auto c =
        checked(sent(0, 5000) + sent(6000, 5 * kMiB) + garbage + sent(6000 + 5 * kMiB, 500),
                6500 + 5 * kMiB);
    CHECK(c.incidents().size() == 2);
    CHECK(is(c.incidents()[0], IncidentClass::kMissing, 5000, 1000));
    CHECK(is(c.incidents()[1], IncidentClass::kInserted, 5000 + 5 * kMiB, 1000));
  }
  {
    const auto c =
        checked(sent(0, 5000) + sent(6000, 3 * kMiB) + garbage + sent(6000 + 3 * kMiB, 500),
                6500 + 3 * kMiB);
    CHECK(c.incidents().size() == 2);
    CHECK(is(c.incidents()[0], IncidentClass::kMisplaced, 5000, 3 * kMiB));
    CHECK(is(c.incidents()[1], IncidentClass::kUnknown, 5000 + 3 * kMiB, 1000));
  }
}

// A loss shows in the totals while the stream goes on, and an insertion at once.
void readings_are_reported_early() {
  Checker checker(stamped(), {.connection = kConnection});
  const auto feed = [&](const Bytes& bytes) { checker.feed(bytes.data(), bytes.size()); };
  feed(sent(0, 1000));
  feed(Bytes(10, 0xee));
  feed(sent(1000, 100));
  CHECK(checker.totals().incidents == 1);
  CHECK(checker.totals().extra == 10);
  CHECK(checker.totals().verified == 1100);
  feed(sent(1200, kMiB));
  CHECK(checker.totals().incidents == 1);  // may yet be a swap
  feed(sent(1200 + kMiB, 4 * kMiB));
  CHECK(checker.totals().incidents == 2);
  CHECK(checker.totals().missing == 100);
  CHECK(checker.totals().verified == 1100 + 5 * kMiB);
  CHECK(checker.finish(1200 + 5 * kMiB) == 0);
}

// A stream that starts over: all of it is inserted, until it comes to new bytes.
void a_long_repetition() {
  const size_t size = 6 * kMiB;
  {
    const auto c = checked(sent(0, size) + sent(0, size + 1000), size + 1000);
    CHECK(c.incidents().size() == 1);
    CHECK(is(c.incidents()[0], IncidentClass::kInserted, size, size));
    CHECK(c.incidents()[0].has_origin && c.incidents()[0].origin.offset == 0);
    CHECK(c.totals().verified == size + 1000);
  }
  {
    uint64_t truncated;
    const auto c = checked(sent(0, size) + sent(0, size - 1000), size + 1000, &truncated);
    CHECK(truncated == 1000);
    CHECK(c.incidents().size() == 1);
    CHECK(is(c.incidents()[0], IncidentClass::kInserted, size, size - 1000));
  }
}

void connections_cross_over() {
  const auto c = checked(sent(0, 1000) + sent(1000, 3 * kMiB, 9), 1000 + 3 * kMiB);
  CHECK(c.incidents().size() == 1);
  CHECK(is(c.incidents()[0], IncidentClass::kForeign, 1000, 3 * kMiB));
  CHECK(c.incidents()[0].origin.connection == 9 && c.incidents()[0].origin.offset == 1000);
}

void parts_of_a_stretch() {
  // Zeros, then foreign bytes: two incidents; a few bytes between belong to what came before.
  auto c =
      checked(sent(0, 500) + Bytes(40, 0) + sent(0, 60, 8) + Bytes(5, 0xaa) + sent(605, 500), 1105);
  CHECK(c.incidents().size() == 2);
  CHECK(is(c.incidents()[0], IncidentClass::kZeros, 500, 40));
  CHECK(is(c.incidents()[1], IncidentClass::kForeign, 540, 65));
  // The incident of 2008: small structures among zeros are one stretch.
  Bytes memory(172, 0);
  memory[0] = 2, memory[8] = 8;
  memcpy(memory.data() + 16, "Mic", 3);
  c = checked(sent(0, 14164) + memory + sent(14164 + 172, 2000), 16336);
  CHECK(c.incidents().size() == 1);
  CHECK(is(c.incidents()[0], IncidentClass::kZeros, 14164, 172));
  CHECK(c.incidents()[0].received == memory);
  CHECK(c.incidents()[0].expected == sent(14164, 172));
  // Text proves nothing, but says so.
  Bytes text(300, 0);
  for (size_t i = 0; i < text.size(); i++)
    text[i] = static_cast<uint8_t>("GET / HTTP/1.1\r\n"[i % 16]);
  c = checked(sent(0, 100) + text + sent(400, 100), 500);
  CHECK(c.incidents().size() == 1);
  CHECK(is(c.incidents()[0], IncidentClass::kUnknown, 100, 300));
  CHECK(c.incidents()[0].printable == 1.0);
  CHECK(c.incidents()[0].entropy > 2 && c.incidents()[0].entropy < 4);
  CHECK(c.incidents()[0].received.size() == kIncidentSample);
}

// Decoys and earlier seeds continue at full speed through a whole stretch.
void marked_memory() {
  Bytes decoy(5000), earlier(5000);
  stamp_engine().fill(StampKey(1).decoy(), 0, Direction::kDecoy, 123, decoy.data(), 5000);
  stamp_engine().fill(StampKey(78), 5, Direction::kUp, 9, earlier.data(), 5000);
  const auto c = checked(sent(0, 100) + decoy + earlier + sent(10100, 100), 10200);
  CHECK(c.incidents().size() == 2);
  CHECK(c.incidents()[0].kind == IncidentClass::kDecoy && c.incidents()[0].origin.offset == 123);
  CHECK(c.incidents()[1].kind == IncidentClass::kForeign && c.incidents()[1].origin.offset == 9);
  CHECK(c.incidents()[0].length + c.incidents()[1].length == 10000);
}

// However many incidents: counted all, kept some, in bounded memory and linear time.
void a_million_incidents(const std::function<void(Bytes*, Random*)>& damage, uint64_t least) {
  Random random(5);
  Checker checker(stamped(), {.connection = kConnection, .stored_incidents = 100});
  constexpr size_t kPiece = 64 * 1024;
  for (uint64_t offset = 0; checker.totals().incidents < least && offset < 512 * kMiB;
       offset += kPiece) {
    Bytes bytes = sent(offset, kPiece);
    damage(&bytes, &random);
    checker.feed(bytes.data(), bytes.size());
  }
  checker.finish(kUnknown);
  CHECK(checker.totals().incidents >= least);
  CHECK(checker.incidents().size() == 100);
}

void many_incidents() {
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  const auto start = std::chrono::steady_clock::now();
  const auto every = [](size_t step, const std::function<void(Bytes*, size_t, Random*)>& once) {
    return [=](Bytes* bytes, Random* random) {
      for (size_t at = 64; at + 512 < bytes->size(); at += step) once(bytes, at, random);
    };
  };
  const uint64_t least = 200000;
  a_million_incidents(every(40, [](Bytes* b, size_t at, Random*) { (*b)[at] ^= 1; }), least);
  a_million_incidents(
      every(300, [](Bytes* b, size_t at, Random* random) { random->fill(b->data() + at, 100); }),
      least);
  // Shifts forth and back, foreign pieces among garbage: what is held back is bounded.
  a_million_incidents(every(200,
                            [](Bytes* b, size_t at, Random* random) {
                              const uint64_t from = random->range(0, kMiB);
                              stamped()->fill(kConnection, Direction::kDown, from, b->data() + at,
                                              50);
                              stamped()->fill(7, Direction::kDown, from, b->data() + at + 60, 50);
                            }),
                      least);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  printf("check_test: three times %llu incidents in %.1f s, %ld KiB more\n",
         static_cast<unsigned long long>(least), took.count(), after.ru_maxrss - before.ru_maxrss);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(after.ru_maxrss - before.ru_maxrss < 16 * 1024);
#endif
}

// One stretch of alternating foreign pieces, never in place: held in bounded memory as well.
void a_stretch_of_many_parts() {
  Bytes bytes = sent(0, 1000);
  for (uint32_t i = 0; i < 5000; i++) bytes = std::move(bytes) + sent(i * 1000, 40, 10 + i % 7);
  const size_t size = bytes.size();
  const auto c = checked(bytes + sent(size, 1000), size + 1000);
  CHECK(c.totals().incidents > 4990 && c.totals().incidents <= 5000);
  CHECK(c.totals().corrupted + c.totals().verified == size + 1000);
  CHECK(c.totals().by_class[static_cast<size_t>(IncidentClass::kForeign)] == c.totals().incidents);
}

void adoption() {
  const auto run = [](const Bytes& bytes, size_t step) {
    Checker checker(stamped(), {.connection = 99, .adopt_connection = true});
    for (size_t fed = 0; fed < bytes.size(); fed += step)
      checker.feed(bytes.data() + fed, std::min(step, bytes.size() - fed));
    checker.finish(kUnknown);
    return checker;
  };
  for (const size_t step : {size_t{1}, size_t{15}, size_t{100}, size_t{1} << 20}) {
    auto c = run(sent(0, 3000), step);
    CHECK(c.connection() == kConnection && c.totals().verified == 3000 && c.incidents().empty());
    // Damaged at the beginning; preceded by the other direction.
    c = run(Bytes(700, 1) + sent(700, 3000), step);
    CHECK(c.connection() == kConnection && c.totals().verified == 3000);
    CHECK(c.incidents().size() == 1 && c.incidents()[0].offset == 0);
    c = run(sent(0, 200, kConnection + 1, Direction::kUp) + sent(200, 300), step);
    CHECK(c.connection() == kConnection && c.totals().verified == 300);
    // Nothing to adopt: too short, or nothing within 64 KiB.
    c = run(sent(0, 15), step);
    CHECK(c.connection() == 99 && c.totals().received == 15);
    c = run(Bytes(64 * 1024, 7) + sent(64 * 1024, 2000), step);
    CHECK(c.connection() == 99 && c.totals().received == 64 * 1024 + 2000);
  }
}

void zeros() {
  const std::shared_ptr<const Content> content = make_zero_content(1);
  uint64_t truncated;
  Bytes bytes(100000, 0);
  auto c = checked(bytes, 100000, &truncated, content);
  CHECK(c.totals().verified == 100000 && c.incidents().empty() && truncated == 0);
  bytes[0] = 1, bytes[50] = 0xff, bytes[60] = 0xff, bytes[99999] = 5;
  c = checked(bytes, 100010, &truncated, content);
  CHECK(truncated == 10);
  CHECK(c.incidents().size() == 3);
  CHECK(is(c.incidents()[0], IncidentClass::kBitFlip, 0, 1));
  CHECK(is(c.incidents()[1], IncidentClass::kUnknown, 50, 11));
  CHECK(is(c.incidents()[2], IncidentClass::kBitFlip, 99999, 1));
  // Memory of a decoy, of this trial and not: its own is named, and zeros are in place again after
  // it.
  for (const uint64_t seed : {1, 2}) {
    Bytes decoy(5000);
    stamp_engine().fill(StampKey(seed).decoy(), 0, Direction::kDecoy, 123, decoy.data(), 5000);
    decoy.front() |= 1, decoy.back() |= 1;
    c = checked(Bytes(1001, 0) + decoy + Bytes(100, 0), 6101, &truncated, content);
    CHECK(c.incidents().size() >= 1 && truncated == 0);
    const Incident& own = c.incidents()[c.incidents().size() / 2];
    CHECK((own.kind == IncidentClass::kDecoy) == (seed == 1));
    if (seed == 1)
      CHECK(own.origin.offset - own.offset == 123 - uint64_t{1001} && own.length > 4900);
  }
  c = checked(Bytes(1000, 0), 900, &truncated, content);
  CHECK(c.beyond_end() == 100 && truncated == 0 && c.totals().verified == 900);
  c = checked(Bytes(900, 0) + Bytes(100, 3), 900, &truncated, content);
  CHECK(c.beyond_end() == 100 && c.incidents().empty() && c.totals().verified == 900);
}

void files() {
  std::string error;
  CHECK(make_file_content("/nonexistent/file", 1, &error) == nullptr);
  CHECK(error == "open /nonexistent/file: No such file or directory");
  CHECK(make_file_content("/", 1, &error) == nullptr && error.rfind("mmap /", 0) == 0);

  char path[] = "/tmp/splicebench-check-XXXXXX";
  const int fd = mkstemp(path);
  Random random(3);
  Bytes file(300000);
  random.fill(file.data(), file.size());
  CHECK(write(fd, file.data(), file.size()) == static_cast<ssize_t>(file.size()));
  close(fd);
  const std::shared_ptr<const Content> content = make_file_content(path, 1, &error);
  unlink(path);
  CHECK(content != nullptr && content->length() == file.size());
  if (content == nullptr) return;

  const auto piece = [&](size_t from, size_t to) {
    return Bytes(file.begin() + static_cast<long>(from), file.begin() + static_cast<long>(to));
  };
  uint64_t truncated;
  auto c = checked(file, file.size(), &truncated, content);
  CHECK(c.totals().verified == file.size() && c.incidents().empty() && truncated == 0);
  c = checked(piece(0, 250000), file.size(), &truncated, content);
  CHECK(truncated == 50000 && c.incidents().empty());
  c = checked(file + Bytes(77, 1), kUnknown, &truncated, content);
  CHECK(c.beyond_end() == 77 && c.incidents().empty());

  Bytes decoy(5000);
  stamp_engine().fill(StampKey(1).decoy(), 0, Direction::kDecoy, 123, decoy.data(), 5000);
  c = checked(piece(0, 1000) + decoy + piece(6000, file.size()), file.size(), &truncated, content);
  CHECK(c.incidents().size() == 1 && c.incidents()[0].kind == IncidentClass::kDecoy);
  CHECK(c.incidents()[0].origin.offset == 123 && c.incidents()[0].length == 5000);

  for (const size_t size : {1u, 5u, 16u, 63u, 64u, 65u, 500u, 1500u}) {
    Bytes garbage(size);
    random.fill(garbage.data(), size);
    garbage.front() = static_cast<uint8_t>(~file[1000]);
    garbage.back() = static_cast<uint8_t>(~file[999 + size]);
    c = checked(piece(0, 1000) + garbage + piece(1000 + size, file.size()), file.size(), &truncated,
                content);
    CHECK(c.incidents().size() == 1 && c.incidents()[0].offset == 1000);
    CHECK(c.incidents()[0].length == size);
    c = checked(piece(0, 1000) + garbage + piece(1000, file.size()), file.size(), &truncated,
                content);
    CHECK(c.incidents().size() == 1 && is(c.incidents()[0], IncidentClass::kInserted, 1000, size));
    c = checked(piece(0, 1000) + piece(1000 + size, file.size()), file.size(), &truncated, content);
    CHECK(c.incidents().size() == 1 && c.incidents()[0].kind == IncidentClass::kMissing);
    CHECK(c.incidents()[0].length == size && c.totals().verified == file.size() - size);
  }
}

// The totals may be read while another thread feeds.
void watched() {
  Checker checker(stamped(), {.connection = kConnection});
  std::atomic<bool> done{false};
  std::thread watcher([&] {
    uint64_t last = 0;
    while (!done) {
      const CheckTotals totals = checker.totals();
      CHECK(totals.verified >= last);
      last = totals.verified;
    }
  });
  const Bytes bytes = sent(0, kMiB);
  for (size_t fed = 0; fed < bytes.size(); fed += 1024) checker.feed(bytes.data() + fed, 1024);
  done = true;
  watcher.join();
  CHECK(checker.finish(kMiB) == 0);
  CHECK(checker.totals().verified == kMiB);
}

void names() {
  const char* const expected[] = {"bit-flip", "zeros",   "misplaced", "foreign",
                                  "decoy",    "missing", "inserted",  "unknown"};
  for (size_t i = 0; i < kIncidentClasses; i++)
    CHECK(std::string(incident_class_name(static_cast<IncidentClass>(i))) == expected[i]);
}

}  // namespace

int main() {
  many_incidents();  // first: looks at the peak of memory
  a_loss_is_believed_after_a_while();
  readings_are_reported_early();
  a_long_repetition();
  connections_cross_over();
  parts_of_a_stretch();
  marked_memory();
  a_stretch_of_many_parts();
  adoption();
  zeros();
  files();
  watched();
  names();
  printf("check_test: %llu failures\n", static_cast<unsigned long long>(testing::failures));
  return testing::failures == 0 ? 0 : 1;
}
