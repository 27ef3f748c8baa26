// The stamp by the AES instructions of 64-bit Arm.
//
// AESE adds its key *before* SubBytes and ShiftRows, AESENC adds it after MixColumns. A round key
// therefore moves into the next round's AESE, through the shuffle that comes between:
//   P(x ^ k) = P(x) ^ P(k).
// Only the last one is left to be added by hand.
#include "stream/stamp_engines.h"

#if defined(__aarch64__) && defined(__linux__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#include <arm_neon.h>
#include <sys/auxv.h>

#ifndef HWCAP_AES
#define HWCAP_AES (1 << 3)
#endif

#define SPLICEBENCH_TARGET __attribute__((target("+crypto")))
#define SPLICEBENCH_INLINE SPLICEBENCH_TARGET __attribute__((always_inline)) inline

namespace splicebench {
namespace {

struct Keys {
  uint8x16_t whiten, first;  // shuffled
  uint8x16_t second, shuffle;
};

SPLICEBENCH_INLINE Keys load_keys(const StampKey& key) {
  const uint8x16_t shuffle = vld1q_u8(kShuffle);
  return {vqtbl1q_u8(vld1q_u8(key.round_keys[0]), shuffle),
          vqtbl1q_u8(vld1q_u8(key.round_keys[1]), shuffle), vld1q_u8(key.round_keys[2]), shuffle};
}

SPLICEBENCH_INLINE uint8x16_t stamp(const Keys& keys, uint64x2_t plain) {
  uint8x16_t state = vqtbl1q_u8(vreinterpretq_u8_u64(plain), keys.shuffle);
  state = vqtbl1q_u8(vaesmcq_u8(vaeseq_u8(state, keys.whiten)), keys.shuffle);
  return veorq_u8(vaesmcq_u8(vaeseq_u8(state, keys.first)), keys.second);
}

SPLICEBENCH_INLINE uint64x2_t first_counter(uint64_t plain) {
  return vcombine_u64(vcreate_u64(plain), vcreate_u64(plain + 1));
}

constexpr size_t kUnroll = 8;

struct Arm {
  SPLICEBENCH_TARGET static void fill(const StampKey& key, uint64_t plain, uint8_t* out,
                                      size_t blocks) {
    const Keys keys = load_keys(key);
    const uint64x2_t two = vdupq_n_u64(2);
    uint64x2_t counter = first_counter(plain);
    for (; blocks >= kUnroll; blocks -= kUnroll, out += kUnroll * kBlock) {
#pragma GCC unroll 8
      for (size_t i = 0; i < kUnroll; i++, counter = vaddq_u64(counter, two))
        vst1q_u8(out + i * kBlock, stamp(keys, counter));
    }
    for (; blocks != 0; blocks--, out += kBlock, counter = vaddq_u64(counter, two))
      vst1q_u8(out, stamp(keys, counter));
  }

  SPLICEBENCH_TARGET static size_t match(const StampKey& key, uint64_t plain,
                                         const uint8_t* received, size_t blocks) {
    const Keys keys = load_keys(key);
    const uint64x2_t two = vdupq_n_u64(2);
    uint64x2_t counter = first_counter(plain);
    size_t done = 0;
    for (; blocks - done >= kUnroll; done += kUnroll) {
      const uint64x2_t before = counter;
      uint8x16_t differ = vdupq_n_u8(0);
#pragma GCC unroll 8
      for (size_t i = 0; i < kUnroll; i++, counter = vaddq_u64(counter, two))
        differ = vorrq_u8(differ,
                          veorq_u8(stamp(keys, counter), vld1q_u8(received + (done + i) * kBlock)));
      if (vmaxvq_u8(differ) != 0) {
        counter = before;
        break;
      }
    }
    for (; done < blocks; done++, counter = vaddq_u64(counter, two))
      if (vmaxvq_u8(veorq_u8(stamp(keys, counter), vld1q_u8(received + done * kBlock))) != 0) break;
    return done;
  }
};

// A vector loaded at i holds the words at i and i + 8: eight loads give sixteen positions.
// AESD with a zero key is inverse ShiftRows and inverse SubBytes.
SPLICEBENCH_INLINE void decode_sixteen(const Keys& keys, const uint8_t* bytes, uint64_t* plain) {
  const uint8x16_t zero = vdupq_n_u8(0);
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; i++) {
    uint8x16_t state = vaesimcq_u8(veorq_u8(vld1q_u8(bytes + i), keys.second));
    state = vqtbl1q_u8(veorq_u8(vaesdq_u8(state, zero), keys.first), keys.shuffle);
    state = vaesimcq_u8(state);
    state = vqtbl1q_u8(veorq_u8(vaesdq_u8(state, zero), keys.whiten), keys.shuffle);
    const uint64x2_t words = vreinterpretq_u64_u8(state);
    plain[i] = vgetq_lane_u64(words, 0);
    plain[i + 8] = vgetq_lane_u64(words, 1);
  }
}

SPLICEBENCH_TARGET void decode(const StampKey& key, const uint8_t* bytes, size_t count,
                               uint64_t* plain) {
  const Keys keys = load_keys(key);
  for (; count >= 16; count -= 16, bytes += 16, plain += 16) decode_sixteen(keys, bytes, plain);
  if (count == 0) return;
  uint8_t last[16 + kWord] = {};
  uint64_t decoded[16];
  memcpy(last, bytes, count + kWord - 1);
  decode_sixteen(keys, last, decoded);
  memcpy(plain, decoded, count * sizeof *plain);
}

SPLICEBENCH_TARGET void encode(const StampKey& key, const uint64_t* plain, size_t count,
                               uint64_t* words) {
  const Keys keys = load_keys(key);
  size_t i = 0;
  for (; i + 2 <= count; i += 2)
    vst1q_u64(words + i, vreinterpretq_u64_u8(stamp(keys, vld1q_u64(plain + i))));
  if (i < count) words[i] = stamp_encode(key, plain[i]);
}

constexpr StampEngine kEngine{"arm-aes", fill_any<Arm>, match_any<Arm>, decode, encode};

}  // namespace

const StampEngine* stamp_engine_arm() {
  return (getauxval(AT_HWCAP) & HWCAP_AES) != 0 ? &kEngine : nullptr;
}

}  // namespace splicebench

#else

namespace splicebench {
const StampEngine* stamp_engine_arm() {
  return nullptr;
}
}  // namespace splicebench

#endif
