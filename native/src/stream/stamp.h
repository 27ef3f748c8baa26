// The stamped stream: every byte says where it belongs.
//
// The stream is made of 16-byte blocks, each two 8-byte words. Word j of connection c in direction
// d is P_K(c, d, j), where P_K is a 64-bit permutation keyed by the trial's seed: two AES rounds
// whose ShiftRows is undone by a byte shuffle, so that the two halves of a vector never mix. Any 16
// intact bytes, at any alignment, therefore hold one whole word (which decodes) and 8 more bytes
// (which prove the decoding right). Cost: two AESENC and two PSHUFB per 16 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace splicebench {

enum class Direction : uint8_t { kDown = 0, kUp = 1, kDecoy = 2 };

// Where a byte belongs. Ranges: connection < 2^14, offset < 2^49 (46 bits of 8-byte words).
struct Origin {
  uint32_t connection = 0;
  Direction direction = Direction::kDown;
  uint64_t offset = 0;
};
inline constexpr uint32_t kMaxConnections = 1u << 14;  // larger numbers wrap around

// Round keys derived from a 64-bit seed. Immutable; copied freely between threads.
class StampKey {
 public:
  explicit StampKey(uint64_t seed);
  uint64_t seed() const { return seed_; }
  // The key under which decoys of a run with this seed are stamped.
  StampKey decoy() const;

  // One word, by the portable path.
  uint64_t word(uint32_t connection, Direction direction, uint64_t index) const;
  // The plaintext fields of a word; offset is that of the word's first byte. Every 64-bit value
  // decodes; plausibility is the caller's to prove.
  Origin decode(uint64_t word) const;

  // Whitening, round 1, round 2. The low and the high half of each are equal, so that a word is the
  // same function of its fields in either half of a block.
  alignas(16) uint8_t round_keys[3][16];

 private:
  uint64_t seed_;
};

// One implementation of fill and compare, and of what a search for stamps needs. All agree in
// every byte.
struct StampEngine {
  std::string_view name;  // "vaes", "aesni", "arm-aes", "portable"
  // Writes the stream's bytes [offset, offset + size) to out. Any offset, any size.
  void (*fill)(const StampKey& key, uint32_t connection, Direction direction, uint64_t offset,
               uint8_t* out, size_t size);
  // Compares received bytes with the stream's [offset, offset + size).
  // Returns how many leading bytes are equal (size = all).
  size_t (*match)(const StampKey& key, uint32_t connection, Direction direction, uint64_t offset,
                  const uint8_t* received, size_t size);
  // Decodes the 8 bytes at each of `count` consecutive positions: reads count + 7 bytes, writes
  // `count` plaintexts (the fields packed as stamp_engines.h says).
  void (*decode)(const StampKey& key, const uint8_t* bytes, size_t count, uint64_t* plain);
  // The words of any plaintexts.
  void (*encode)(const StampKey& key, const uint64_t* plain, size_t count, uint64_t* words);
};

// Whether an engine gives the same as another, tried on a short stream. A CPU may have the
// instructions and be wrong about them: QEMU 7.2 emulates VAES with the low half in both.
bool agrees(const StampEngine& engine, const StampEngine& reference);
// Engines this CPU can run and that give the right bytes on it, fastest first; the last is always
// "portable".
const std::vector<const StampEngine*>& stamp_engines();
inline const StampEngine& stamp_engine() {
  static const StampEngine& fastest = *stamp_engines().front();
  return fastest;
}

// Finds where 16 or more intact bytes belong: tries each of the 8 phases and proves the decoding
// with the other bytes of the window. Looks at the first 16 bytes, which must be intact.
// nullopt = not of this key.
std::optional<Origin> locate(const StampKey& key, const uint8_t* bytes, size_t size);

// The first position p at which 16 bytes (all inside size) prove where they belong.
struct StampFound {
  size_t position = 0;
  Origin origin;  // of the byte at position
};
std::optional<StampFound> find_stamped(const StampKey& key, const uint8_t* bytes, size_t size);

}  // namespace splicebench
