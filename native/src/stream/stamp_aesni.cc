// The stamp by AES-NI: 16 bytes an instruction. Any x86-64 since about 2010.
#include "stream/stamp_engines.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#define SPLICEBENCH_TARGET __attribute__((target("aes,ssse3,sse2")))
#define SPLICEBENCH_INLINE SPLICEBENCH_TARGET __attribute__((always_inline)) inline

namespace splicebench {
namespace {

struct Keys {
  __m128i whiten, first, second, shuffle;
};

SPLICEBENCH_INLINE __m128i load(const void* bytes) {
  return _mm_loadu_si128(static_cast<const __m128i*>(bytes));
}

SPLICEBENCH_INLINE Keys load_keys(const StampKey& key) {
  return {load(key.round_keys[0]), load(key.round_keys[1]), load(key.round_keys[2]),
          load(kShuffle)};
}

SPLICEBENCH_INLINE __m128i stamp(const Keys& keys, __m128i plain) {
  __m128i state = _mm_xor_si128(plain, keys.whiten);
  state = _mm_aesenc_si128(_mm_shuffle_epi8(state, keys.shuffle), keys.first);
  return _mm_aesenc_si128(_mm_shuffle_epi8(state, keys.shuffle), keys.second);
}

constexpr size_t kUnroll = 8;

struct AesNi {
  SPLICEBENCH_TARGET static void fill(const StampKey& key, uint64_t plain, uint8_t* out,
                                      size_t blocks) {
    const Keys keys = load_keys(key);
    const __m128i two = _mm_set1_epi64x(2);
    __m128i counter = _mm_set_epi64x(static_cast<int64_t>(plain + 1), static_cast<int64_t>(plain));
    for (; blocks >= kUnroll; blocks -= kUnroll, out += kUnroll * kBlock) {
      __m128i state[kUnroll];
#pragma GCC unroll 8
      for (size_t i = 0; i < kUnroll; i++, counter = _mm_add_epi64(counter, two))
        state[i] = stamp(keys, counter);
#pragma GCC unroll 8
      for (size_t i = 0; i < kUnroll; i++)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i * kBlock), state[i]);
    }
    for (; blocks != 0; blocks--, out += kBlock, counter = _mm_add_epi64(counter, two))
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), stamp(keys, counter));
  }

  SPLICEBENCH_TARGET static size_t match(const StampKey& key, uint64_t plain,
                                         const uint8_t* received, size_t blocks) {
    const Keys keys = load_keys(key);
    const __m128i two = _mm_set1_epi64x(2);
    __m128i counter = _mm_set_epi64x(static_cast<int64_t>(plain + 1), static_cast<int64_t>(plain));
    size_t done = 0;
    for (; blocks - done >= kUnroll; done += kUnroll) {
      const __m128i before = counter;
      __m128i differ = _mm_setzero_si128();
#pragma GCC unroll 8
      for (size_t i = 0; i < kUnroll; i++, counter = _mm_add_epi64(counter, two))
        differ = _mm_or_si128(
            differ, _mm_xor_si128(stamp(keys, counter), load(received + (done + i) * kBlock)));
      if (_mm_movemask_epi8(_mm_cmpeq_epi8(differ, _mm_setzero_si128())) != 0xffff) {
        counter = before;
        break;
      }
    }
    for (; done < blocks; done++, counter = _mm_add_epi64(counter, two)) {
      const __m128i equal = _mm_cmpeq_epi8(stamp(keys, counter), load(received + done * kBlock));
      if (_mm_movemask_epi8(equal) != 0xffff) break;
    }
    return done;
  }
};

// A vector loaded at i holds the words at i and i + 8: eight loads give sixteen positions.
SPLICEBENCH_INLINE void decode_sixteen(const Keys& keys, __m128i whiten, __m128i first,
                                       const uint8_t* bytes, uint64_t* plain) {
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; i++) {
    __m128i state = _mm_aesimc_si128(_mm_xor_si128(load(bytes + i), keys.second));
    state = _mm_shuffle_epi8(_mm_aesdeclast_si128(state, first), keys.shuffle);
    state = _mm_aesimc_si128(state);
    state = _mm_shuffle_epi8(_mm_aesdeclast_si128(state, whiten), keys.shuffle);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(plain + i), state);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(plain + i + 8), _mm_srli_si128(state, 8));
  }
}

SPLICEBENCH_TARGET void decode(const StampKey& key, const uint8_t* bytes, size_t count,
                               uint64_t* plain) {
  const Keys keys = load_keys(key);
  const __m128i whiten = _mm_shuffle_epi8(keys.whiten, keys.shuffle);
  const __m128i first = _mm_shuffle_epi8(keys.first, keys.shuffle);
  for (; count >= 16; count -= 16, bytes += 16, plain += 16)
    decode_sixteen(keys, whiten, first, bytes, plain);
  if (count == 0) return;
  uint8_t last[16 + kWord] = {};
  uint64_t decoded[16];
  memcpy(last, bytes, count + kWord - 1);
  decode_sixteen(keys, whiten, first, last, decoded);
  memcpy(plain, decoded, count * sizeof *plain);
}

SPLICEBENCH_TARGET void encode(const StampKey& key, const uint64_t* plain, size_t count,
                               uint64_t* words) {
  const Keys keys = load_keys(key);
  size_t i = 0;
  for (; i + 2 <= count; i += 2)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(words + i), stamp(keys, load(plain + i)));
  if (i < count) words[i] = stamp_encode(key, plain[i]);
}

constexpr StampEngine kEngine{"aesni", fill_any<AesNi>, match_any<AesNi>, decode, encode};

}  // namespace

const StampEngine* stamp_engine_aesni() {
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("ssse3") ? &kEngine : nullptr;
}

}  // namespace splicebench

#else

namespace splicebench {
const StampEngine* stamp_engine_aesni() {
  return nullptr;
}
}  // namespace splicebench

#endif
