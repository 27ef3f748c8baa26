// What the engines share: how a word's fields are packed, and how any offset and size come down to
// whole 16-byte blocks. Every engine file compiles on every architecture; where it cannot run, it
// gives no engine.
#pragma once

#include <bit>
#include <cstring>

#include "stream/stamp.h"

namespace splicebench {

inline constexpr size_t kBlock = 16;
inline constexpr size_t kWord = 8;

// Plaintext of a word: 46 bits index, 14 bits connection, 2 bits direction, 2 bits spare (zero).
// The index is lowest, so the next word's plaintext is this one plus one.
inline constexpr int kIndexBits = 46;
inline constexpr int kConnectionBits = 14;
inline constexpr uint64_t kIndexMask = (uint64_t{1} << kIndexBits) - 1;

inline uint64_t pack_fields(uint32_t connection, Direction direction, uint64_t index) {
  return (index & kIndexMask) | (uint64_t{connection & (kMaxConnections - 1)} << kIndexBits) |
         (uint64_t{static_cast<uint8_t>(direction)} << (kIndexBits + kConnectionBits));
}

inline Origin unpack_fields(uint64_t plain) {
  const auto connection = static_cast<uint32_t>(plain >> kIndexBits) & (kMaxConnections - 1);
  const auto direction = static_cast<Direction>((plain >> (kIndexBits + kConnectionBits)) & 3);
  return Origin{connection, direction, (plain & kIndexMask) * kWord};
}

// The spare bits are zero and the direction is one that exists.
inline bool plausible_fields(uint64_t plain) {
  return (plain >> (kIndexBits + kConnectionBits)) < 3;
}

// The byte shuffle before each round. ShiftRows after it leaves bytes of rows 0 and 2 in their
// column and swaps those of rows 1 and 3 with the other column of the same half: two rounds then
// spread each byte of a word over the whole word and never beyond. It is its own inverse.
inline constexpr uint8_t kShuffle[16] = {0, 9, 10, 3, 4, 5, 14, 15, 8, 1, 2, 11, 12, 13, 6, 7};

// Words are little-endian in the stream.
inline uint64_t load_word(const uint8_t* bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}
inline void store_word(uint8_t* bytes, uint64_t word) {
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  memcpy(bytes, &word, sizeof word);
}

// P_K and its inverse, portable.
uint64_t stamp_encode(const StampKey& key, uint64_t plain);
uint64_t stamp_decode(const StampKey& key, uint64_t word);

// Null where the engine cannot run: built for another architecture, or this CPU lacks it.
const StampEngine* stamp_engine_portable();
const StampEngine* stamp_engine_aesni();
const StampEngine* stamp_engine_vaes();
const StampEngine* stamp_engine_arm();

// Bulk gives, for whole blocks that begin with the word of plaintext `plain`:
//   static void fill(key, plain, out, blocks);
//   static size_t match(key, plain, received, blocks);   how many leading blocks are equal
template <class Bulk>
void fill_any(const StampKey& key, uint32_t connection, Direction direction, uint64_t offset,
              uint8_t* out, size_t size) {
  uint64_t plain = pack_fields(connection, direction, offset / kBlock * 2);
  uint8_t block[kBlock];
  if (const size_t phase = offset % kBlock; phase != 0 && size != 0) {
    const size_t head = size < kBlock - phase ? size : kBlock - phase;
    Bulk::fill(key, plain, block, 1);
    memcpy(out, block + phase, head);
    out += head;
    size -= head;
    plain += 2;
  }
  const size_t blocks = size / kBlock;
  if (blocks != 0) Bulk::fill(key, plain, out, blocks);
  if (const size_t tail = size % kBlock; tail != 0) {
    Bulk::fill(key, plain + 2 * blocks, block, 1);
    memcpy(out + blocks * kBlock, block, tail);
  }
}

inline size_t equal_prefix(const uint8_t* a, const uint8_t* b, size_t size) {
  size_t equal = 0;
  while (equal < size && a[equal] == b[equal]) equal++;
  return equal;
}

template <class Bulk>
size_t match_any(const StampKey& key, uint32_t connection, Direction direction, uint64_t offset,
                 const uint8_t* received, size_t size) {
  uint64_t plain = pack_fields(connection, direction, offset / kBlock * 2);
  uint8_t block[kBlock];
  size_t done = 0;
  if (const size_t phase = offset % kBlock; phase != 0 && size != 0) {
    const size_t head = size < kBlock - phase ? size : kBlock - phase;
    Bulk::fill(key, plain, block, 1);
    done = equal_prefix(block + phase, received, head);
    if (done < head) return done;
    plain += 2;
  }
  const size_t blocks = (size - done) / kBlock;
  const size_t equal = blocks != 0 ? Bulk::match(key, plain, received + done, blocks) : 0;
  done += equal * kBlock;
  if (done == size) return done;
  // A block that differs, or the last one, which is short.
  Bulk::fill(key, plain + 2 * equal, block, 1);
  return done + equal_prefix(block, received + done, size - done < kBlock ? size - done : kBlock);
}

}  // namespace splicebench
