// The stamp without AES instructions: the reference that the other engines must equal, the decoder,
// and the engine of last resort. Table-driven, tables made at compile time.
#include <array>

#include "stream/stamp_engines.h"

namespace splicebench {
namespace {

constexpr uint8_t times2(uint8_t x) {
  return static_cast<uint8_t>((x << 1) ^ (x >> 7) * 0x1b);
}

constexpr uint8_t times(uint8_t a, uint8_t b) {
  uint8_t product = 0;
  for (; b != 0; b >>= 1, a = times2(a))
    if (b & 1) product ^= a;
  return product;
}

constexpr uint32_t column(uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3) {
  return b0 | uint32_t{b1} << 8 | uint32_t{b2} << 16 | uint32_t{b3} << 24;
}

struct Tables {
  std::array<uint8_t, 256> sub{};           // SubBytes
  std::array<uint8_t, 256> inverse_sub{};   //
  std::array<uint32_t, 256> mix{};          // what SubBytes then MixColumns make of a row-0 byte
  std::array<uint32_t, 256> inverse_mix{};  // what inverse MixColumns makes of a row-0 byte

  constexpr Tables() {
    // p runs over all non-zero field elements (3 generates them), q over their inverses.
    uint8_t p = 1, q = 1;
    do {
      p = static_cast<uint8_t>(p ^ times2(p));
      q = static_cast<uint8_t>(q ^ (q << 1));
      q = static_cast<uint8_t>(q ^ (q << 2));
      q = static_cast<uint8_t>(q ^ (q << 4));
      if (q & 0x80) q ^= 0x09;
      sub[p] = static_cast<uint8_t>(q ^ std::rotl(q, 1) ^ std::rotl(q, 2) ^ std::rotl(q, 3) ^
                                    std::rotl(q, 4) ^ 0x63);
    } while (p != 1);
    sub[0] = 0x63;
    for (size_t i = 0; i < 256; i++) {
      const auto x = static_cast<uint8_t>(i);
      inverse_sub[sub[i]] = x;
      mix[i] =
          column(times2(sub[i]), sub[i], sub[i], static_cast<uint8_t>(times2(sub[i]) ^ sub[i]));
      inverse_mix[i] = column(times(x, 14), times(x, 9), times(x, 13), times(x, 11));
    }
  }
};
constexpr Tables kTables;

inline uint8_t byte_of(uint32_t column, int row) {
  return static_cast<uint8_t>(column >> (8 * row));
}

// One column of a round: rows 0 and 2 come from this column, rows 1 and 3 from the other.
inline uint32_t mix_column(uint32_t own, uint32_t other) {
  return kTables.mix[byte_of(own, 0)] ^ std::rotl(kTables.mix[byte_of(other, 1)], 8) ^
         std::rotl(kTables.mix[byte_of(own, 2)], 16) ^
         std::rotl(kTables.mix[byte_of(other, 3)], 24);
}

inline uint64_t round_of(uint64_t state) {
  const auto a = static_cast<uint32_t>(state);
  const auto b = static_cast<uint32_t>(state >> 32);
  return mix_column(a, b) | uint64_t{mix_column(b, a)} << 32;
}

inline uint32_t unmix_column(uint32_t c) {
  const uint32_t mixed = kTables.inverse_mix[byte_of(c, 0)] ^
                         std::rotl(kTables.inverse_mix[byte_of(c, 1)], 8) ^
                         std::rotl(kTables.inverse_mix[byte_of(c, 2)], 16) ^
                         std::rotl(kTables.inverse_mix[byte_of(c, 3)], 24);
  return column(kTables.inverse_sub[byte_of(mixed, 0)], kTables.inverse_sub[byte_of(mixed, 1)],
                kTables.inverse_sub[byte_of(mixed, 2)], kTables.inverse_sub[byte_of(mixed, 3)]);
}

inline uint64_t inverse_round_of(uint64_t state) {
  constexpr uint32_t kOwnRows = 0x00ff00ff;
  const uint32_t a = unmix_column(static_cast<uint32_t>(state));
  const uint32_t b = unmix_column(static_cast<uint32_t>(state >> 32));
  return ((a & kOwnRows) | (b & ~kOwnRows)) | uint64_t{(b & kOwnRows) | (a & ~kOwnRows)} << 32;
}

struct Portable {
  static void fill(const StampKey& key, uint64_t plain, uint8_t* out, size_t blocks) {
    for (size_t i = 0; i < 2 * blocks; i++)
      store_word(out + i * kWord, stamp_encode(key, plain + i));
  }

  static size_t match(const StampKey& key, uint64_t plain, const uint8_t* received, size_t blocks) {
    for (size_t i = 0; i < 2 * blocks; i++)
      if (load_word(received + i * kWord) != stamp_encode(key, plain + i)) return i / 2;
    return blocks;
  }
};

void decode(const StampKey& key, const uint8_t* bytes, size_t count, uint64_t* plain) {
  for (size_t i = 0; i < count; i++) plain[i] = stamp_decode(key, load_word(bytes + i));
}

void encode(const StampKey& key, const uint64_t* plain, size_t count, uint64_t* words) {
  for (size_t i = 0; i < count; i++) words[i] = stamp_encode(key, plain[i]);
}

constexpr StampEngine kEngine{"portable", fill_any<Portable>, match_any<Portable>, decode, encode};

}  // namespace

uint64_t stamp_encode(const StampKey& key, uint64_t plain) {
  uint64_t state = plain ^ load_word(key.round_keys[0]);
  state = round_of(state) ^ load_word(key.round_keys[1]);
  return round_of(state) ^ load_word(key.round_keys[2]);
}

uint64_t stamp_decode(const StampKey& key, uint64_t word) {
  uint64_t state = inverse_round_of(word ^ load_word(key.round_keys[2]));
  state = inverse_round_of(state ^ load_word(key.round_keys[1]));
  return state ^ load_word(key.round_keys[0]);
}

const StampEngine* stamp_engine_portable() {
  return &kEngine;
}

}  // namespace splicebench
