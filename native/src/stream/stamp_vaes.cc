// The stamp by VAES on 256-bit registers: 32 bytes an instruction, no AVX-512 needed.
#include "stream/stamp_engines.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define SPLICEBENCH_TARGET __attribute__((target("vaes,avx2,aes")))
#define SPLICEBENCH_INLINE SPLICEBENCH_TARGET __attribute__((always_inline)) inline

namespace splicebench {
namespace {

struct Keys {
  __m256i whiten, first, second, shuffle;
};

SPLICEBENCH_INLINE __m256i twice(const void* bytes) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(bytes)));
}

SPLICEBENCH_INLINE __m256i load(const uint8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

SPLICEBENCH_INLINE Keys load_keys(const StampKey& key) {
  return {twice(key.round_keys[0]), twice(key.round_keys[1]), twice(key.round_keys[2]),
          twice(kShuffle)};
}

SPLICEBENCH_INLINE __m256i stamp(const Keys& keys, __m256i plain) {
  __m256i state = _mm256_xor_si256(plain, keys.whiten);
  state = _mm256_aesenc_epi128(_mm256_shuffle_epi8(state, keys.shuffle), keys.first);
  return _mm256_aesenc_epi128(_mm256_shuffle_epi8(state, keys.shuffle), keys.second);
}

SPLICEBENCH_INLINE __m256i first_counter(uint64_t plain) {
  return _mm256_add_epi64(_mm256_set1_epi64x(static_cast<int64_t>(plain)),
                          _mm256_set_epi64x(3, 2, 1, 0));
}

constexpr size_t kVector = 32;  // bytes
constexpr size_t kUnroll = 8;   // vectors: 256 bytes an iteration
constexpr size_t kBlocks = kUnroll * kVector / kBlock;

struct Vaes {
  SPLICEBENCH_TARGET static void fill(const StampKey& key, uint64_t plain, uint8_t* out,
                                      size_t blocks) {
    const Keys keys = load_keys(key);
    const __m256i four = _mm256_set1_epi64x(4);
    __m256i counter = first_counter(plain);
    for (; blocks >= kBlocks; blocks -= kBlocks, out += kUnroll * kVector) {
#pragma GCC unroll 8
      for (size_t i = 0; i < kUnroll; i++, counter = _mm256_add_epi64(counter, four))
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i * kVector), stamp(keys, counter));
    }
    for (; blocks >= 2; blocks -= 2, out += kVector, counter = _mm256_add_epi64(counter, four))
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), stamp(keys, counter));
    if (blocks != 0)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                       _mm256_castsi256_si128(stamp(keys, counter)));
  }

  SPLICEBENCH_TARGET static size_t match(const StampKey& key, uint64_t plain,
                                         const uint8_t* received, size_t blocks) {
    const Keys keys = load_keys(key);
    const __m256i four = _mm256_set1_epi64x(4);
    __m256i counter = first_counter(plain);
    size_t done = 0;
    for (; blocks - done >= kBlocks; done += kBlocks, received += kUnroll * kVector) {
      const __m256i before = counter;
      __m256i differ = _mm256_setzero_si256();
#pragma GCC unroll 8
      for (size_t i = 0; i < kUnroll; i++, counter = _mm256_add_epi64(counter, four))
        differ = _mm256_or_si256(
            differ, _mm256_xor_si256(stamp(keys, counter), load(received + i * kVector)));
      if (!_mm256_testz_si256(differ, differ)) {
        counter = before;
        break;
      }
    }
    for (; blocks - done >= 2; done += 2, received += kVector) {
      const __m256i differ = _mm256_xor_si256(stamp(keys, counter), load(received));
      if (!_mm256_testz_si256(differ, differ)) break;
      counter = _mm256_add_epi64(counter, four);
    }
    if (done == blocks) return done;
    const __m128i expected = _mm256_castsi256_si128(stamp(keys, counter));
    const __m128i differ =
        _mm_xor_si128(expected, _mm_loadu_si128(reinterpret_cast<const __m128i*>(received)));
    return _mm_testz_si128(differ, differ) ? done + 1 : done;
  }
};

}  // namespace

const StampEngine* stamp_engine_vaes() {
  const StampEngine* aesni =
      stamp_engine_aesni();  // for single words; VAES has no inverse MixColumns
  if (aesni == nullptr || !__builtin_cpu_supports("vaes") || !__builtin_cpu_supports("avx2"))
    return nullptr;
  static const StampEngine engine{"vaes", fill_any<Vaes>, match_any<Vaes>, aesni->decode,
                                  aesni->encode};
  return &engine;
}

}  // namespace splicebench

#else

namespace splicebench {
const StampEngine* stamp_engine_vaes() {
  return nullptr;
}
}  // namespace splicebench

#endif
