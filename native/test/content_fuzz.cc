// Damages streams of zeros and of files with mixtures of overwrites, and demands that no byte that
// differs goes untold, and none that does not.
//   content_fuzz [--seed N] [--mutations N]
//
// What such bytes are cannot always be told, since nothing in them says where they belong. So what
// is proven is that which needs no reading: the stretches begin and end with bytes that differ
// (where two touch, the border between them is a matter of reading), hold all that do, do not
// overlap, and add up; a wrong length is told to the byte; and however the stream is cut, the same
// is found. check_fuzz.cc proves more, of stamped streams: also what it is when bytes of the stream
// itself stand elsewhere in it.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "stream/check.h"
#include "testing.h"

using namespace splicebench;
using testing::Random;

namespace {

using Bytes = std::vector<uint8_t>;

struct Verdict {
  std::vector<Incident> incidents;
  CheckTotals totals;
  uint64_t truncated = 0;
  uint64_t beyond = 0;
};

Verdict check(const std::shared_ptr<const Content>& content, const Bytes& received, uint64_t sent,
              Random* cuts) {
  Checker checker(content, {.stored_incidents = received.size()});
  for (size_t at = 0; at < received.size();) {
    const size_t most = received.size() - at;
    const size_t size = cuts ? std::min<size_t>(most, cuts->scale(1, 100'000)) : most;
    checker.feed(received.data() + at, size);
    at += size;
  }
  Verdict verdict;
  verdict.truncated = checker.finish(sent);
  verdict.beyond = checker.beyond_end();
  verdict.incidents = checker.incidents();
  verdict.totals = checker.totals();
  return verdict;
}

// Overwrites a stretch by one of: a flipped bit, noise, zeros, text, what was sent there. They may
// touch, overlap and undo one another.
void overwrite(Bytes& bytes, const Bytes& sent, Random& random) {
  const size_t at = random.range(0, bytes.size());
  const size_t size = std::min<size_t>(bytes.size() - at, random.scale(1, 20'000));
  const auto place = bytes.begin() + static_cast<long>(at);
  switch (random.range(0, 5)) {
    case 0:
      bytes[at] ^= static_cast<uint8_t>(1u << random.range(0, 8));
      break;
    case 1:
      random.fill(&bytes[at], size);
      break;
    case 2:
      std::fill_n(place, size, uint8_t{0});
      break;
    case 3:
      for (size_t i = 0; i < size; ++i) bytes[at + i] = "int main(void) { }\n"[i % 19];
      break;
    default:
      std::copy_n(sent.begin() + static_cast<long>(at), size, place);
  }
}

// Empty when the verdict holds, else what is wrong.
std::string wrong(const Verdict& verdict, const Bytes& received, const Bytes& sent) {
  uint64_t next = 0;
  uint64_t corrupted = 0;
  const size_t common = std::min(received.size(), sent.size());
  const auto differs = [&](uint64_t at) { return at >= common || received[at] != sent[at]; };
  for (size_t i = 0; i < verdict.incidents.size(); ++i) {
    const Incident& incident = verdict.incidents[i];
    const uint64_t end = incident.offset + incident.length;
    if (incident.length == 0 || end > common) return "a stretch outside the stream";
    if (incident.offset < next) return "stretches overlap";
    for (uint64_t at = next; at < incident.offset; ++at) {
      if (differs(at)) return "a byte that differs is in no stretch";
    }
    const bool touched = i > 0 && incident.offset == next;
    const bool touches = i + 1 < verdict.incidents.size() && verdict.incidents[i + 1].offset == end;
    if (!touched && !differs(incident.offset)) return "a stretch begins with a byte that is right";
    if (!touches && !differs(end - 1)) return "a stretch ends with a byte that is right";
    corrupted += incident.length;
    next = end;
  }
  for (uint64_t at = next; at < common; ++at) {
    if (differs(at)) return "a byte that differs behind the last stretch";
  }
  const CheckTotals& totals = verdict.totals;
  if (totals.corrupted != corrupted || totals.incidents != verdict.incidents.size()) {
    return "the totals are not the sums";
  }
  if (totals.verified + totals.corrupted != common) return "bytes neither verified nor corrupted";
  if (verdict.truncated != sent.size() - common) return "a wrong truncation";
  if (verdict.beyond != received.size() - common) return "wrong bytes beyond the end";
  return "";
}

bool same(const Verdict& a, const Verdict& b) {
  const auto alike = [](const Incident& x, const Incident& y) {
    return x.offset == y.offset && x.length == y.length && x.kind == y.kind;
  };
  return a.truncated == b.truncated && a.beyond == b.beyond &&
         std::equal(a.incidents.begin(), a.incidents.end(), b.incidents.begin(), b.incidents.end(),
                    alike);
}

bool trial(const std::shared_ptr<const Content>& content, const Bytes& sent, uint64_t seed) {
  Random random(seed);
  Bytes received = sent;
  for (uint64_t left = random.scale(0, 40); left > 0; --left) overwrite(received, sent, random);
  // An end that is wrong is told apart from wrong bytes only where the end itself is in place.
  const bool cut =
      random.chance(4) && std::equal(sent.end() - 2000, sent.end(), received.end() - 2000);
  if (cut) received.resize(received.size() - random.range(1, 1000));
  const Verdict whole = check(content, received, sent.size(), nullptr);
  std::string fault = wrong(whole, received, sent);
  if (fault.empty() && !same(whole, check(content, received, sent.size(), &random))) {
    fault = "cuts make a difference";
  }
  if (!fault.empty()) {
    fprintf(stderr, "content_fuzz: seed %llu: %s\n", static_cast<unsigned long long>(seed),
            fault.c_str());
    for (const Incident& incident : whole.incidents) {
      fprintf(stderr, "  %llu + %llu %s\n", static_cast<unsigned long long>(incident.offset),
              static_cast<unsigned long long>(incident.length), incident_class_name(incident.kind));
    }
  }
  return fault.empty();
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = testing::argument(argc, argv, "--seed", 1);
  const uint64_t mutations = testing::argument(argc, argv, "--mutations", 2000);
  Random random(seed);
  const Bytes zeros(200'000, 0);
  // Like a tree of sources: no two places alike, and runs of zeros in it.
  Bytes file(300'000);
  random.fill(file.data(), file.size());
  for (int run = 0; run < 20; ++run) {
    std::fill_n(file.begin() + static_cast<long>(random.range(0, file.size() - 600)), 500,
                uint8_t{0});
  }
  char path[] = "/tmp/splicebench-content-XXXXXX";
  const int fd = mkstemp(path);
  CHECK(write(fd, file.data(), file.size()) == static_cast<ssize_t>(file.size()));
  std::string error;
  const std::shared_ptr<const Content> of_file = make_file_content(path, 1, &error);
  unlink(path);
  close(fd);
  CHECK(of_file != nullptr);
  if (!of_file) return 1;
  const std::shared_ptr<const Content> of_zeros = make_zero_content(1);
  for (uint64_t i = 0; i < mutations && testing::failures < 10; ++i) {
    CHECK(trial(of_zeros, zeros, seed * 1'000'003 + i));
    CHECK(trial(of_file, file, seed * 1'000'003 + i));
  }
  printf("content_fuzz: %llu mutations of each content, %llu failures\n",
         static_cast<unsigned long long>(mutations),
         static_cast<unsigned long long>(testing::failures));
  return testing::failures == 0 ? 0 : 1;
}
