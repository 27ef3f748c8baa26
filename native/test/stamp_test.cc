// The stamp's format and its engines. stamp_test [--seed N]
#include <algorithm>
#include <array>
#include <vector>

#include "stream/stamp_engines.h"
#include "testing.h"

using namespace splicebench;
using testing::Random;

namespace {

Direction some_direction(Random& random) {
  return static_cast<Direction>(random.range(0, 3));
}

// The format must not change by accident: both ends of a trial depend on it. These values come from
// an AES written apart from this one.
void known_answers() {
  struct Answer {
    uint64_t seed;
    uint32_t connection;
    Direction direction;
    uint64_t index, word;
  };
  constexpr Answer kAnswers[] = {
      {0, 0, Direction::kDown, 0, 0xac9c2553a849f4ea},
      {1, 0, Direction::kDown, 0, 0xa2d2337b028f3b91},
      {1, 1, Direction::kUp, 1, 0xd48c5739140156d4},
      {42, 16383, Direction::kDecoy, (uint64_t{1} << 46) - 1, 0x7f7d1977111c1643},
      {0xffffffffffffffff, 1234, Direction::kUp, 0x123456789a, 0x84675f2a66e0fb18},
  };
  for (const Answer& a : kAnswers) {
    const uint64_t word = StampKey(a.seed).word(a.connection, a.direction, a.index);
    CHECK(word == a.word);
  }
  uint8_t bytes[24];
  stamp_engine().fill(StampKey(7), 3, Direction::kDown, 5, bytes, sizeof bytes);
  constexpr uint8_t kBytes[24] = {0x57, 0xfc, 0xd9, 0x29, 0x48, 0xa5, 0x3d, 0xea,
                                  0xbe, 0x11, 0x83, 0xf3, 0x05, 0x22, 0xef, 0xfc,
                                  0xd5, 0xc4, 0xc7, 0x17, 0xc4, 0x99, 0x44, 0x8c};
  CHECK(memcmp(bytes, kBytes, sizeof bytes) == 0);
  CHECK(StampKey(7).decoy().seed() == 0xc16165877eca647d);
}

void decode_inverts_word(Random& random) {
  for (int i = 0; i < 20000; i++) {
    const StampKey key(random.bits());
    const auto connection = static_cast<uint32_t>(random.range(0, kMaxConnections));
    const Direction direction = some_direction(random);
    const uint64_t index = random.bits() & kIndexMask;
    const Origin origin = key.decode(key.word(connection, direction, index));
    CHECK(origin.connection == connection);
    CHECK(origin.direction == direction);
    CHECK(origin.offset == index * kWord);
  }
}

// One changed plaintext bit changes every byte of the word, but for chance: two rounds spread it
// over all eight, each of which then is equal once in 256.
void words_diffuse(Random& random) {
  const int rounds = 20000;
  std::array<int, 8> changed{};
  int least = 8;
  for (int i = 0; i < rounds; i++) {
    const StampKey key(random.bits());
    const uint64_t plain = random.bits();
    const uint64_t flipped = plain ^ uint64_t { 1 } << random.range(0, 64);
    const uint64_t differ = stamp_encode(key, plain) ^ stamp_encode(key, flipped);
    int bytes = 0;
    for (int b = 0; b < 8; b++) {
      const bool differs = (differ >> (8 * b) & 0xff) != 0;
      changed[static_cast<size_t>(b)] += differs;
      bytes += differs;
    }
    least = std::min(least, bytes);
  }
  for (const int n : changed) CHECK(n > rounds * 0.99);
  CHECK(least >= 6);  // each column of the second round takes two changed bytes to at least three
}

// Every engine, at any offset, size and alignment, against words of the portable path.
void engines_agree(Random& random) {
  for (const StampEngine* engine : stamp_engines()) {
    for (int i = 0; i < 3000; i++) {
      const StampKey key(random.bits());
      const auto connection = static_cast<uint32_t>(random.range(0, kMaxConnections));
      const Direction direction = some_direction(random);
      const uint64_t offset =
          random.chance(2) ? random.range(0, 4096) : random.bits() % (uint64_t{1} << 48);
      const size_t size = random.scale(0, 5000);
      const size_t lead = random.range(0, 64);

      std::vector<uint8_t> expected;
      for (uint64_t at = offset; at < offset + size; at++) {
        const uint64_t word = key.word(connection, direction, at / kWord);
        expected.push_back(static_cast<uint8_t>(word >> (8 * (at % kWord))));
      }
      std::vector<uint8_t> buffer(lead + size + 64, 0xa5);
      engine->fill(key, connection, direction, offset, buffer.data() + lead, size);
      CHECK(std::equal(expected.begin(), expected.end(), buffer.data() + lead));
      CHECK(std::all_of(buffer.begin(), buffer.begin() + static_cast<long>(lead),
                        [](uint8_t b) { return b == 0xa5; }));
      CHECK(std::all_of(buffer.begin() + static_cast<long>(lead + size), buffer.end(),
                        [](uint8_t b) { return b == 0xa5; }));

      // An exact copy on the heap, so that a sanitizer sees any read past the end.
      std::vector<uint8_t> received(buffer.begin() + static_cast<long>(lead),
                                    buffer.begin() + static_cast<long>(lead + size));
      const auto match = [&] {
        return engine->match(key, connection, direction, offset, received.data(), size);
      };
      CHECK(match() == size);
      if (size != 0) {
        const size_t at = random.range(0, size);
        received[at] ^= static_cast<uint8_t>(1u << random.range(0, 8));
        CHECK(match() == at);
        random.fill(received.data() + at + 1, size - at - 1);
        CHECK(match() == at);
      }
      if (size >= 8) {
        std::vector<uint64_t> plain(size - 7);
        engine->decode(key, expected.data(), plain.size(), plain.data());
        for (size_t k = 0; k < plain.size(); k++)
          CHECK(plain[k] == stamp_decode(key, load_word(expected.data() + k)));
        engine->encode(key, plain.data(), plain.size(), plain.data());
        for (size_t k = 0; k < plain.size(); k++) CHECK(plain[k] == load_word(expected.data() + k));
      }
    }
  }
}

void any_sixteen_bytes_are_located(Random& random) {
  const StampKey key(random.bits()), other(random.bits());
  for (int i = 0; i < 20000; i++) {
    const auto connection = static_cast<uint32_t>(random.range(0, kMaxConnections));
    const Direction direction = some_direction(random);
    const uint64_t offset = random.chance(2) ? random.range(0, 64) : random.bits() >> 16;
    std::vector<uint8_t> bytes(16);
    stamp_engine().fill(key, connection, direction, offset, bytes.data(), 16);
    const auto origin = locate(key, bytes.data(), 16);
    CHECK(origin && origin->connection == connection && origin->direction == direction &&
          origin->offset == offset);
    CHECK(!locate(other, bytes.data(), 16));
    CHECK(!locate(key.decoy(), bytes.data(), 16));
    CHECK(!locate(key, bytes.data(), 15));
    bytes[random.range(0, 16)] ^= static_cast<uint8_t>(1u << random.range(0, 8));
    CHECK(!locate(key, bytes.data(), 16));
  }
}

// Sixteen stamped bytes inside random ones: the first of them is found, and fifteen are not enough.
void finds_the_first_place(Random& random) {
  const StampKey key(random.bits());
  for (int i = 0; i < 5000; i++) {
    std::vector<uint8_t> bytes(random.range(16, 600));
    random.fill(bytes.data(), bytes.size());
    CHECK(!find_stamped(key, bytes.data(), bytes.size()));
    const size_t at = random.range(0, bytes.size() - 15);
    const uint64_t offset = random.bits() >> 16;
    const size_t size = random.range(15, 15 + bytes.size() - 15 - at + 1);
    stamp_engine().fill(key, 9, Direction::kUp, offset, bytes.data() + at, size);
    if (size < 16) {
      // Unless a neighbouring byte happens to continue it.
      uint8_t around[17];
      stamp_engine().fill(key, 9, Direction::kUp, offset - 1, around, 17);
      const bool before = at > 0 && bytes[at - 1] == around[0];
      const bool after = at + 15 < bytes.size() && bytes[at + 15] == around[16];
      if (!before && !after) CHECK(!find_stamped(key, bytes.data(), bytes.size()));
      continue;
    }
    const auto found = find_stamped(key, bytes.data(), bytes.size());
    CHECK(found);
    if (!found) continue;
    // Bytes before it may continue it backwards by chance.
    CHECK(found->position <= at && at - found->position < 8);
    CHECK(found->origin.offset == offset - (at - found->position));
    CHECK(found->origin.connection == 9 && found->origin.direction == Direction::kUp);
    std::vector<uint8_t> there(bytes.size() - found->position);
    stamp_engine().fill(key, 9, Direction::kUp, found->origin.offset, there.data(), there.size());
    CHECK(std::equal(there.begin(), there.begin() + 16,
                     bytes.begin() + static_cast<long>(found->position)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = testing::argument(argc, argv, "--seed", 1);
  Random random(seed);
  known_answers();
  decode_inverts_word(random);
  words_diffuse(random);
  engines_agree(random);
  any_sixteen_bytes_are_located(random);
  finds_the_first_place(random);
  printf("stamp_test: engines");
  for (const StampEngine* engine : stamp_engines())
    printf(" %.*s", static_cast<int>(engine->name.size()), engine->name.data());
  printf(", %llu failures, seed %llu\n", static_cast<unsigned long long>(testing::failures),
         static_cast<unsigned long long>(seed));
  return testing::failures == 0 ? 0 : 1;
}
