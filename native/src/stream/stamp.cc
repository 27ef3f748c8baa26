#include "stream/stamp.h"

#include "stream/stamp_engines.h"

namespace splicebench {
namespace {

// splitmix64: consecutive outputs for one seed, and unrelated ones for neighbouring seeds.
uint64_t splitmix64(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr size_t kWindow = 16;

// Positions whose plaintexts are decoded at a time while searching: small, so that a find near the
// beginning (a bit-flip) costs little.
constexpr size_t kSearchStep = 64;

// bytes[at] starts a word that decodes to `plain`; `next` is the word after it. How far around it
// the bytes agree with that; true when some 16 of them do, with the first of those in *first.
bool proves(const StampKey& key, uint64_t plain, uint64_t next, const uint8_t* bytes, size_t size,
            size_t at, size_t* first) {
  uint8_t word[kWord];
  const size_t room = size - at - kWord;
  store_word(word, next);
  const size_t after = equal_prefix(word, bytes + at + kWord, room < kWord ? room : kWord);
  // A window of 16 bytes has at most 7 before its first whole word.
  size_t before = 0;
  if (at != 0 && (plain & kIndexMask) != 0) {
    store_word(word, stamp_encode(key, plain - 1));
    while (before < kWord - 1 && before < at && word[kWord - 1 - before] == bytes[at - 1 - before])
      before++;
  }
  if (before + kWord + after < kWindow) return false;
  *first = at - before;
  return true;
}

}  // namespace

StampKey::StampKey(uint64_t seed) : seed_(seed) {
  uint64_t state = seed;
  for (auto& round_key : round_keys) {
    const uint64_t half = splitmix64(&state);
    store_word(round_key, half);
    store_word(round_key + kWord, half);
  }
}

StampKey StampKey::decoy() const {
  uint64_t state = seed_ ^ 0x6465636f79;  // "decoy"
  return StampKey(splitmix64(&state));
}

uint64_t StampKey::word(uint32_t connection, Direction direction, uint64_t index) const {
  return stamp_encode(*this, pack_fields(connection, direction, index));
}

Origin StampKey::decode(uint64_t word) const {
  return unpack_fields(stamp_decode(*this, word));
}

bool agrees(const StampEngine& engine, const StampEngine& reference) {
  // Odd, so that partial words at both ends are compared too; and more than any engine's stride.
  constexpr size_t kProbe = 1031;
  constexpr uint64_t kOffset = 5;
  const StampKey key(0x53706c69636542);
  uint8_t expected[kProbe], given[kProbe];
  reference.fill(key, 1, Direction::kUp, kOffset, expected, kProbe);
  engine.fill(key, 1, Direction::kUp, kOffset, given, kProbe);
  if (memcmp(expected, given, kProbe) != 0) return false;
  if (engine.match(key, 1, Direction::kUp, kOffset, expected, kProbe) != kProbe) return false;
  constexpr size_t kWords = 64;
  uint64_t plain[kWords], same[kWords];
  reference.decode(key, expected, kWords, plain);
  engine.decode(key, expected, kWords, same);
  if (memcmp(plain, same, sizeof plain) != 0) return false;
  reference.encode(key, plain, kWords, plain);
  engine.encode(key, same, kWords, same);
  return memcmp(plain, same, sizeof plain) == 0;
}

const std::vector<const StampEngine*>& stamp_engines() {
  static const auto* engines = [] {
    auto* list = new std::vector<const StampEngine*>;
    const StampEngine* portable = stamp_engine_portable();
    for (const StampEngine* engine :
         {stamp_engine_vaes(), stamp_engine_aesni(), stamp_engine_arm()})
      if (engine != nullptr && agrees(*engine, *portable)) list->push_back(engine);
    list->push_back(portable);
    return list;
  }();
  return *engines;
}

std::optional<StampFound> find_stamped(const StampKey& key, const uint8_t* bytes, size_t size) {
  if (size < kWindow) return std::nullopt;
  const StampEngine& engine = stamp_engine();
  // The last window's first whole word starts at most 7 bytes into it.
  const size_t words = size - kWindow + kWord;
  uint64_t plain[kSearchStep], next[kSearchStep];
  size_t candidates[kSearchStep];
  for (size_t from = 0; from < words; from += kSearchStep) {
    const size_t count = words - from < kSearchStep ? words - from : kSearchStep;
    engine.decode(key, bytes + from, count, plain);
    // Of random bytes 3 in 16 are plausible; of those the next word's first byte leaves 1 in 256.
    size_t plausible = 0;
    for (size_t i = 0; i < count; i++) {
      candidates[plausible] = i;
      next[plausible] = plain[i] + 1;
      plausible += plausible_fields(plain[i]);
    }
    engine.encode(key, next, plausible, next);
    for (size_t k = 0; k < plausible; k++) {
      const size_t i = candidates[k];
      size_t first;
      if (static_cast<uint8_t>(next[k]) != bytes[from + i + kWord]) continue;
      if (!proves(key, plain[i], next[k], bytes, size, from + i, &first)) continue;
      Origin origin = unpack_fields(plain[i]);
      origin.offset -= from + i - first;
      return StampFound{first, origin};
    }
  }
  return std::nullopt;
}

std::optional<Origin> locate(const StampKey& key, const uint8_t* bytes, size_t size) {
  const auto found = find_stamped(key, bytes, size < kWindow ? size : kWindow);
  if (!found) return std::nullopt;
  return found->origin;
}

}  // namespace splicebench
