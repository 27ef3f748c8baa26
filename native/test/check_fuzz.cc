// Damages streams at random and demands that the checker says exactly what was done.
//   check_fuzz [--seed N] [--mutations N] [--one M]
//
// Three kinds of trial, each with its own proof:
// - single and spaced faults: what must be reported is worked out from the faults, byte by byte,
//   because a few bytes of a fault may equal what they replaced;
// - tangled faults (adjacent, overlapping, undoing each other): the incidents must *explain* the
//   stream, that is: by going through them every other byte is where the sent stream has it, the
//   bytes of a located one are at its origin, and the totals are the sums;
// - all: however the stream is cut, the same incidents; honest streams have none.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "stream/check.h"
#include "testing.h"

using namespace splicebench;
using testing::Random;

namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kUnknown = UINT64_MAX;

// A place from which bytes can be taken: the own stream, another connection, a decoy, …
struct Line {
  StampKey key{0};
  Origin origin;  // of the byte at received position 0, as it were (may have wrapped below zero)
  Bytes bytes(uint64_t position, size_t size) const {
    Bytes out(size);
    stamp_engine().fill(key, origin.connection, origin.direction, origin.offset + position,
                        out.data(), size);
    return out;
  }
  // How many of the bytes at position are the line's.
  uint64_t run(const Bytes& received, uint64_t position) const {
    return stamp_engine().match(key, origin.connection, origin.direction, origin.offset + position,
                                received.data() + position, received.size() - position);
  }
  bool holds(const Bytes& received, uint64_t position) const {
    const bool begun = static_cast<int64_t>(origin.offset + position) >= 0;
    return begun && bytes(position, 1)[0] == received[position];
  }
};

enum class Act : uint8_t { kOverwrite, kDrop, kInsert, kRepeat, kSwap };
enum class Matter : uint8_t {
  kFlip,
  kRandom,
  kZeros,
  kOtherConnection,
  kOtherDirection,
  kDecoy,
  kEarlier,
  kOwn
};
constexpr uint64_t kMatters = 8;

struct Fault {
  Act act = Act::kDrop;
  Matter matter = Matter::kRandom;
  uint64_t size = 0;   // bytes overwritten, dropped, inserted, repeated; of a swap's first chunk
  uint64_t size2 = 0;  // of a swap's second chunk
  uint64_t at = 0;     // received position at which it was done
  uint64_t shift = 0;  // before it (modulo 2^64)
  Line line;           // of located matter
};

struct Expected {
  uint64_t offset, length;
  IncidentClass kind;
  bool has_origin = false;
  Origin origin = {};
};

struct Trial {
  StampKey key{0};
  uint64_t earlier_seed = 0;
  uint32_t connection = 0;
  Direction direction = Direction::kDown;
  uint64_t sent = 0;
  Bytes received;
  std::vector<Fault> faults;
  std::shared_ptr<const Content> content;
  bool crowded = false;  // with more faults than the checker can hold back
  uint64_t believe_after = Checker::Options().believe_after;

  Line own(uint64_t shift) const { return {key, {connection, direction, shift}}; }
};

bool located(Matter m) {
  return m >= Matter::kOtherConnection;
}

IncidentClass class_of(Matter m) {
  return m == Matter::kOwn     ? IncidentClass::kMisplaced
         : m == Matter::kDecoy ? IncidentClass::kDecoy
                               : IncidentClass::kForeign;
}

// ---- damaging -------------------------------------------------------------------------------

class Damager {
 public:
  Damager(Trial* trial, Random* random) : t_(*trial), random_(*random) {}

  void copy(uint64_t bytes) {
    bytes = std::min(bytes, t_.sent - sent_);
    append(t_.own(shift()).bytes(t_.received.size(), bytes));
    sent_ += bytes;
  }

  void apply(Fault fault) {
    fault.at = t_.received.size();
    fault.shift = shift();
    const uint64_t left = t_.sent - sent_;
    switch (fault.act) {
      case Act::kOverwrite:
        fault.size = std::min(fault.size, left);
        append_matter(&fault);
        sent_ += fault.size;
        break;
      case Act::kDrop:
        fault.size = std::min(fault.size, left);
        sent_ += fault.size;
        break;
      case Act::kInsert:
        append_matter(&fault);
        break;
      case Act::kRepeat:
        fault.size = std::min(fault.size, sent_);
        append(t_.own(shift() - fault.size).bytes(fault.at, fault.size));
        break;
      case Act::kSwap:
        if (fault.size + fault.size2 > left) return;
        append(t_.own(fault.shift + fault.size).bytes(fault.at, fault.size2));
        append(t_.own(fault.shift - fault.size2).bytes(fault.at + fault.size2, fault.size));
        sent_ += fault.size + fault.size2;
        break;
    }
    t_.faults.push_back(fault);
  }

  uint64_t sent() const { return sent_; }

 private:
  uint64_t shift() const { return sent_ - t_.received.size(); }
  void append(const Bytes& bytes) {
    t_.received.insert(t_.received.end(), bytes.begin(), bytes.end());
  }

  void append_matter(Fault* fault) {
    Bytes bytes(fault->size);
    if (fault->matter == Matter::kFlip) {
      bytes = t_.own(shift()).bytes(fault->at, fault->size);
      if (!bytes.empty()) bytes[0] ^= static_cast<uint8_t>(1u << random_.range(0, 8));
    } else if (fault->matter == Matter::kRandom) {
      random_.fill(bytes.data(), bytes.size());
    } else if (located(fault->matter)) {
      fault->line = some_line(*fault);
      bytes = fault->line.bytes(fault->at, fault->size);
    }
    append(bytes);
  }

  Line some_line(Fault& fault) {
    Line line = t_.own(random_.range(0, 100000) - fault.at);
    switch (fault.matter) {
      case Matter::kOtherConnection:
        line.origin.connection =
            (t_.connection + 1 + static_cast<uint32_t>(random_.range(0, 9))) % kMaxConnections;
        if (random_.chance(2)) line.origin.offset = shift();  // the same offset there
        break;
      case Matter::kOtherDirection:
        line.origin.direction =
            t_.direction == Direction::kDown ? Direction::kUp : Direction::kDown;
        break;
      case Matter::kDecoy:
        line.key = t_.key.decoy();
        line.origin.direction = Direction::kDecoy;
        break;
      case Matter::kEarlier:
        line.key = StampKey(t_.earlier_seed);
        break;
      case Matter::kOwn:
        // Not a repetition, not what belongs here, and not what is never sent.
        if (const uint64_t ahead = t_.sent - sent_;
            ahead > 2 * fault.size + 1 && (sent_ <= fault.size || random_.chance(2)))
          line.origin.offset = shift() + random_.range(1, ahead - 2 * fault.size);
        else if (sent_ > fault.size)
          line.origin.offset = shift() - random_.range(fault.size, sent_);
        else
          line.origin.connection ^= 1, fault.matter = Matter::kOtherConnection;
        break;
      default:
        break;
    }
    return line;
  }

  Trial& t_;
  Random& random_;
  uint64_t sent_ = 0;
};

// ---- expecting ------------------------------------------------------------------------------

Origin origin_at(const Line& line, uint64_t position) {
  Origin origin = line.origin;
  origin.offset += position;
  return origin;
}

// The class of [from, to), which proves no place.
IncidentClass raw_class(const Trial& t, const Line& in_place, uint64_t from, uint64_t to) {
  const Bytes expected = in_place.bytes(from, to - from);
  int bits = 0;
  bool zeros = true;
  for (uint64_t i = from; i < to; i++) {
    bits += __builtin_popcount(static_cast<unsigned>(expected[i - from] ^ t.received[i]));
    zeros = zeros && t.received[i] == 0;
  }
  if (bits == 1) return IncidentClass::kBitFlip;
  if (zeros) return IncidentClass::kZeros;
  return bits <= 4 ? IncidentClass::kBitFlip : IncidentClass::kUnknown;
}

// What one fault must be reported as, given that the stream around it is sound for long enough.
void expect(const Trial& t, const Fault& fault, std::vector<Expected>* out) {
  const uint64_t size = t.received.size();
  const Line before = t.own(fault.shift);
  const uint64_t first = fault.at + before.run(t.received, fault.at);  // that differs
  if (first == size || first + fault.shift >= t.sent)
    return;  // seen as truncation or extra, if at all

  const auto last_differing = [&](uint64_t end) {
    while (before.holds(t.received, end - 1)) end--;
    return end;
  };
  // Where the stream goes on as `line` at the latest from position on: bytes before may be its too.
  const auto earliest = [&](const Line& line, uint64_t position) {
    while (position > first && line.holds(t.received, position - 1)) position--;
    return position;
  };

  switch (fault.act) {
    case Act::kOverwrite: {
      if (first >= fault.at + fault.size) return;  // by chance the same bytes
      const uint64_t end = last_differing(fault.at + fault.size);
      if (located(fault.matter) && fault.line.run(t.received, first) >= 16)
        out->push_back(
            {first, end - first, class_of(fault.matter), true, origin_at(fault.line, first)});
      else
        out->push_back({first, end - first, raw_class(t, before, first, end)});
      return;
    }
    case Act::kDrop:
      out->push_back({first, fault.size, IncidentClass::kMissing});
      return;
    case Act::kInsert:
    case Act::kRepeat: {
      const Line after = t.own(fault.shift - fault.size);
      Expected e{first, fault.size, IncidentClass::kInserted};
      if (located(fault.matter) && fault.line.run(t.received, first) >= 16) {
        e.has_origin = true;
        e.origin = origin_at(fault.line, first);
      } else {
        // A repetition: of all, or of so much that it proves itself.
        uint64_t resume = earliest(after, std::max(first, fault.at + fault.size));
        if (after.run(t.received, first) == size - first) resume = first;
        const bool provable = size - resume >= 16 || resume == first;
        if (resume == first || (provable && first + fault.size - resume >= 16)) {
          e.has_origin = true;
          e.origin = origin_at(after, resume);
        }
      }
      out->push_back(e);
      return;
    }
    case Act::kSwap: {
      const Line ahead = t.own(fault.shift + fault.size), behind = t.own(fault.shift - fault.size2);
      const uint64_t border = first + ahead.run(t.received, first);
      const uint64_t end = last_differing(fault.at + fault.size + fault.size2);
      out->push_back(
          {first, border - first, IncidentClass::kMisplaced, true, origin_at(ahead, first)});
      out->push_back(
          {border, end - border, IncidentClass::kMisplaced, true, origin_at(behind, border)});
      return;
    }
  }
}

// ---- running --------------------------------------------------------------------------------

struct Outcome {
  std::vector<Incident> incidents;
  CheckTotals totals;
  uint64_t truncated, beyond;
  uint32_t connection;
};

enum class Cut : uint8_t { kWhole, kBytes, kRandom };

Outcome run(const Trial& t, uint64_t sent, Cut cut, Random* random, bool adopt = false) {
  Checker checker(t.content, {.connection = adopt ? 7777 : t.connection,
                              .adopt_connection = adopt,
                              .direction = t.direction,
                              .believe_after = t.believe_after});
  for (size_t fed = 0; fed < t.received.size();) {
    const size_t left = t.received.size() - fed;
    const size_t step = cut == Cut::kWhole   ? left
                        : cut == Cut::kBytes ? 1
                                             : std::min<size_t>(left, random->scale(1, left + 1));
    // A copy of just these bytes, so that a sanitizer sees what reads beyond them.
    const Bytes piece(t.received.begin() + static_cast<long>(fed),
                      t.received.begin() + static_cast<long>(fed + step));
    checker.feed(piece.data(), step);
    fed += step;
  }
  const uint64_t truncated = checker.finish(sent);
  return {checker.incidents(), checker.totals(), truncated, checker.beyond_end(),
          checker.connection()};
}

bool same(const Origin& a, const Origin& b) {
  return a.connection == b.connection && a.direction == b.direction && a.offset == b.offset;
}

bool same(const Incident& a, const Incident& b) {
  return a.offset == b.offset && a.length == b.length && a.kind == b.kind &&
         a.connection == b.connection && a.direction == b.direction &&
         a.has_origin == b.has_origin && (!a.has_origin || same(a.origin, b.origin)) &&
         a.expected == b.expected && a.received == b.received;
}

bool same(const Outcome& a, const Outcome& b) {
  return a.incidents.size() == b.incidents.size() &&
         std::equal(a.incidents.begin(), a.incidents.end(), b.incidents.begin(),
                    [](const Incident& x, const Incident& y) { return same(x, y); }) &&
         a.totals.received == b.totals.received && a.totals.verified == b.totals.verified &&
         a.totals.corrupted == b.totals.corrupted && a.totals.missing == b.totals.missing &&
         a.totals.extra == b.totals.extra && a.totals.by_class == b.totals.by_class &&
         a.truncated == b.truncated && a.beyond == b.beyond;
}

bool as_expected(const std::vector<Expected>& expected, const std::vector<Incident>& incidents) {
  return std::equal(expected.begin(), expected.end(), incidents.begin(), incidents.end(),
                    [](const Expected& e, const Incident& i) {
                      return e.offset == i.offset && e.length == i.length && e.kind == i.kind &&
                             e.has_origin == i.has_origin &&
                             (!e.has_origin || same(e.origin, i.origin));
                    });
}

// Goes through the stream by its incidents. Empty: they explain it; else what they do not.
std::string unexplained(const Trial& t, const Outcome& o) {
  uint64_t position = 0, shift = 0, verified = 0;
  CheckTotals sums;
  const uint64_t end = t.received.size() - o.beyond;
  const auto in_place = [&](uint64_t until) {
    const Line line = t.own(shift);
    const uint64_t bytes = until - position;
    verified += bytes;
    return line.run(t.received, position) >= bytes;
  };
  for (const Incident& i : o.incidents) {
    // Damage inside a repetition is named as well: those bytes belong to two incidents.
    if (i.offset < position) return "overlap";
    if (!in_place(i.offset)) return "before " + std::to_string(i.offset);
    const bool adjacent = position == i.offset && position != 0;
    if (!adjacent && t.own(shift).holds(t.received, i.offset))
      return "first byte of " + std::to_string(i.offset);
    position = i.offset;
    const uint64_t sample = std::min<uint64_t>(i.length, kIncidentSample);
    if (i.expected != t.own(shift).bytes(i.offset, sample)) return "expected bytes";
    if (i.kind == IncidentClass::kMissing) {
      sums.missing += i.length;
      shift += i.length;
      continue;
    }
    // With too many breaks to hold back, a repetition was believed that then broke off.
    if (i.offset + i.length > end && t.crowded) return "overlap";
    if (i.offset + i.length > end) return "length of " + std::to_string(i.offset);
    if (!std::equal(i.received.begin(), i.received.end(),
                    t.received.begin() + static_cast<long>(i.offset)))
      return "received bytes";
    if (i.kind == IncidentClass::kInserted) {
      sums.extra += i.length;
      shift -= i.length;
    } else {
      sums.corrupted += i.length;
    }
    position += i.length;
  }
  if (end < position || !in_place(end)) return "the end";
  if (end + shift + o.truncated != t.sent) return "the length sent";
  if (o.totals.verified != verified) return "verified";
  if (o.totals.missing != sums.missing || o.totals.extra != sums.extra ||
      o.totals.corrupted != sums.corrupted || o.totals.incidents != o.incidents.size())
    return "totals";
  return "";
}

// ---- trials ---------------------------------------------------------------------------------

Fault some_fault(Random& random, uint64_t most) {
  constexpr Act kActs[] = {Act::kOverwrite, Act::kOverwrite, Act::kDrop,
                           Act::kInsert,    Act::kRepeat,    Act::kSwap};
  Fault fault;
  fault.act = kActs[random.range(0, 6)];
  fault.matter = static_cast<Matter>(random.range(0, kMatters));
  fault.size = random.scale(1, most);
  if (fault.act == Act::kOverwrite && fault.matter == Matter::kFlip) fault.size = 1;
  if (fault.act == Act::kInsert && fault.matter == Matter::kFlip) fault.matter = Matter::kZeros;
  if (fault.act == Act::kRepeat) fault.matter = Matter::kRandom;
  if (fault.act == Act::kSwap) {
    fault.size = random.scale(40, most + 40);
    fault.size2 = random.chance(2) ? fault.size : random.scale(40, most + 40);
  }
  return fault;
}

Trial some_trial(Random& random) {
  Trial t;
  // A content holds keys for all trials of a seed; making one is not free.
  t.key = StampKey(random.range(0, 1u << 20));
  t.earlier_seed = random.bits();
  t.connection = static_cast<uint32_t>(random.range(0, kMaxConnections));
  t.direction = random.chance(2) ? Direction::kDown : Direction::kUp;
  t.content = make_stamped_content(t.key.seed(), {random.bits(), t.earlier_seed});
  return t;
}

// The shift comes back to what it was before: the stream may then be read as never shifted. Or a
// stream cut off ends just as it would elsewhere.
bool undone(const Trial& t, bool cut_off) {
  std::vector<uint64_t> shifts{0};
  const auto again = [&](uint64_t shift) {
    const bool before = std::find(shifts.begin(), shifts.end(), shift) != shifts.end();
    shifts.push_back(shift);
    return before || (cut_off && shift == t.sent - t.received.size());
  };
  for (const Fault& f : t.faults) {
    if (f.size == 0) continue;
    if (f.act == Act::kSwap && (again(f.shift + f.size) || again(f.shift - f.size2))) return true;
    if (f.act == Act::kDrop && again(f.shift + f.size)) return true;
    if ((f.act == Act::kInsert || f.act == Act::kRepeat) && again(f.shift - f.size)) return true;
    const bool placed = f.act == Act::kOverwrite || f.act == Act::kInsert;
    if (placed && f.matter == Matter::kOwn && again(f.line.origin.offset)) return true;
  }
  return false;
}

struct Counts {
  uint64_t honest = 0, single = 0, spaced = 0, tangled = 0, overlapping = 0, exact = 0;
} counts;

void describe(const Trial& t, const std::vector<Expected>& expected, const Outcome& o) {
  fprintf(stderr, "  sent %llu, received %zu, truncated %llu, beyond %llu, verified %llu\n",
          static_cast<unsigned long long>(t.sent), t.received.size(),
          static_cast<unsigned long long>(o.truncated), static_cast<unsigned long long>(o.beyond),
          static_cast<unsigned long long>(o.totals.verified));
  for (const Fault& f : t.faults)
    fprintf(stderr, "  fault: act %d matter %d at %llu shift %lld size %llu %llu\n",
            static_cast<int>(f.act), static_cast<int>(f.matter),
            static_cast<unsigned long long>(f.at), static_cast<long long>(f.shift),
            static_cast<unsigned long long>(f.size), static_cast<unsigned long long>(f.size2));
  const auto line = [](const char* what, uint64_t offset, uint64_t length, IncidentClass kind,
                       bool has_origin, const Origin& origin) {
    fprintf(stderr, "  %s: %s [%llu, +%llu)", what, incident_class_name(kind),
            static_cast<unsigned long long>(offset), static_cast<unsigned long long>(length));
    if (has_origin)
      fprintf(stderr, " from %u/%d/%llu", origin.connection, static_cast<int>(origin.direction),
              static_cast<unsigned long long>(origin.offset));
    fputc('\n', stderr);
  };
  for (const Expected& e : expected)
    line("expected", e.offset, e.length, e.kind, e.has_origin, e.origin);
  for (const Incident& i : o.incidents)
    line("reported", i.offset, i.length, i.kind, i.has_origin, i.origin);
}

bool trial(uint64_t seed) {
  Random random(seed);
  Trial t = some_trial(random);
  t.sent = random.chance(8) ? random.range(0, 64) : random.range(64, 6000);
  Damager damager(&t, &random);
  const uint64_t shape = random.range(0, 10);
  bool exact = true;
  uint64_t cut_off = 0, extra = 0;

  if (shape == 0) {
    counts.honest++;
    damager.copy(t.sent);
  } else if (shape < 5) {
    counts.single++;
    // Anywhere, the first and the last bytes more often.
    uint64_t at = random.range(0, t.sent + 1);
    if (random.chance(4)) at = random.scale(0, t.sent + 1);
    if (random.chance(4)) at = t.sent - random.scale(0, t.sent + 1);
    damager.copy(at);
    damager.apply(some_fault(random, 700));
    damager.copy(t.sent);
  } else if (shape < 8) {
    counts.spaced++;
    t.sent = random.range(3000, 12000);
    // Apart enough that no two faults are read as one: by more than they move together.
    for (uint64_t faults = random.range(2, 6); faults > 0; faults--) {
      if (t.sent - damager.sent() < 3000) break;
      damager.copy(random.range(1000, 1500));
      damager.apply(some_fault(random, 200));
    }
    damager.copy(t.sent);
  } else {
    counts.tangled++;
    exact = false;
    // Now and then so many that the checker cannot hold all of them back.
    t.crowded = random.chance(20);
    if (t.crowded) t.sent *= 5;
    if (random.chance(2)) t.believe_after = random.range(1, 3000);
    for (uint64_t faults = random.range(2, t.crowded ? 200 : 9); faults > 0; faults--) {
      damager.copy(random.scale(0, 400));
      damager.apply(some_fault(random, t.crowded ? 60 : 300));
    }
    damager.copy(t.sent);
  }
  // An early end, or bytes after the end.
  if (exact && random.chance(6) && !t.faults.empty()) {
    // Well after the fault, where it cannot be taken for a part of it.
    const uint64_t sound = t.received.size() - t.faults.back().at;
    const uint64_t moved = 2 * (t.faults.back().size + t.faults.back().size2) + 64;
    if (sound > moved && t.faults.back().act != Act::kSwap)
      cut_off = random.range(0, sound - moved);
  } else if (random.chance(6)) {
    if (t.faults.empty()) cut_off = random.range(0, t.received.size() + 1);
  }
  t.received.resize(t.received.size() - cut_off);
  if (cut_off == 0 && random.chance(6)) {
    extra = random.scale(1, 300);
    Bytes more(extra);
    if (random.chance(2)) random.fill(more.data(), more.size());
    if (random.chance(3)) {
      Line line = t.own(random.range(0, 9000));
      if (t.sent <= extra || random.chance(2))
        line.origin.connection ^= 1;
      else
        line.origin.offset = random.range(0, t.sent - extra);
      more = line.bytes(0, more.size());
    }
    t.received.insert(t.received.end(), more.begin(), more.end());
    if (!t.faults.empty()) {
      const Fault& f = t.faults.back();
      if (t.received.size() - extra - f.at < 3 * (f.size + f.size2 + extra) + 64) exact = false;
    }
  }

  if (t.faults.size() > 1 || cut_off != 0) exact = exact && !undone(t, cut_off != 0);

  const Outcome whole = run(t, t.sent, Cut::kWhole, &random);
  std::vector<Expected> expected;
  std::string wrong;
  if (exact) {
    for (const Fault& fault : t.faults) expect(t, fault, &expected);
    if (!as_expected(expected, whole.incidents)) wrong = "incidents";
    if (cut_off != 0 && whole.truncated != cut_off) wrong = "truncation";
    if (extra != 0 && t.faults.empty() && whole.beyond != extra) wrong = "bytes beyond the end";
  }
  counts.exact += exact;
  if (wrong.empty()) wrong = unexplained(t, whole);
  if (wrong == "overlap" && !exact) {
    counts.overlapping++;
    wrong.clear();
  }
  if (wrong.empty()) {
    if (!same(whole, run(t, t.sent, Cut::kRandom, &random))) wrong = "random cuts";
    if (random.chance(8) && !same(whole, run(t, t.sent, Cut::kBytes, &random)))
      wrong = "byte by byte";
    const bool begins_soundly = t.received.size() >= 16 && t.own(0).run(t.received, 0) >= 16;
    if (begins_soundly) {
      const Outcome adopted = run(t, t.sent, Cut::kRandom, &random, true);
      if (adopted.connection != t.connection || !same(whole, adopted)) wrong = "adopted";
    }
    // Without knowing what was sent, nothing may break, and cuts make no difference.
    if (random.chance(4) &&
        !same(run(t, kUnknown, Cut::kWhole, &random), run(t, kUnknown, Cut::kRandom, &random)))
      wrong = "cuts, length unknown";
  }
  if (wrong.empty()) return true;
  fprintf(stderr, "check_fuzz: --one %llu (shape %llu): %s\n",
          static_cast<unsigned long long>(seed), static_cast<unsigned long long>(shape),
          wrong.c_str());
  describe(t, expected, whole);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = testing::argument(argc, argv, "--seed", 1);
  const uint64_t one = testing::argument(argc, argv, "--one", kUnknown);
  const uint64_t mutations = testing::argument(argc, argv, "--mutations", 100000);
  if (one != kUnknown) return trial(one) ? 0 : 1;
  uint64_t failures = 0;
  for (uint64_t i = 0; i < mutations && failures < 10; i++)
    if (!trial(seed * 1000000007 + i)) failures++;
  printf(
      "check_fuzz: %llu honest, %llu single, %llu spaced, %llu tangled (%llu overlap); %llu "
      "exact\n",
      static_cast<unsigned long long>(counts.honest),
      static_cast<unsigned long long>(counts.single),
      static_cast<unsigned long long>(counts.spaced),
      static_cast<unsigned long long>(counts.tangled),
      static_cast<unsigned long long>(counts.overlapping),
      static_cast<unsigned long long>(counts.exact));
  printf("check_fuzz: %llu mutations, %llu failures, seed %llu\n",
         static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(failures),
         static_cast<unsigned long long>(seed));
  return failures == 0 ? 0 : 1;
}
