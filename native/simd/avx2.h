// AVX2 with FMA: 8 lanes, 16 registers.
//
// Haswell to Alder Lake and Zen 2 to 5 issue 2 ymm FMAs a cycle of 4-5 cycles latency, so 8-10 must be in
// flight: 12 accumulators, 2 weights and a broadcast are 15 of the 16 registers.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace twill {
namespace simd {
namespace {

using Vec = __m256;
using Mask = __m256;
using Index = __m256i;
constexpr int kWidth = 8;
constexpr int kRegisters = 16;
constexpr bool kCompact = false;
constexpr bool kFused = true;

// A window of eight that starts n lanes before the zeros has its first n lanes set.
alignas(64) const int32_t kLaneWindow[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
TWILL_INLINE __m256i first_lanes(int n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneWindow + 8 - n));
}

TWILL_INLINE Vec zero() { return _mm256_setzero_ps(); }
TWILL_INLINE Vec broadcast(float x) { return _mm256_set1_ps(x); }
TWILL_INLINE Vec load(const float* p) { return _mm256_loadu_ps(p); }
TWILL_INLINE void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
TWILL_INLINE Vec load_partial(const float* p, int n) { return _mm256_maskload_ps(p, first_lanes(n)); }
TWILL_INLINE void store_partial(float* p, Vec v, int n) { _mm256_maskstore_ps(p, first_lanes(n), v); }

TWILL_INLINE Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
TWILL_INLINE Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
TWILL_INLINE Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
TWILL_INLINE Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
TWILL_INLINE Vec sqrt(Vec v) { return _mm256_sqrt_ps(v); }
TWILL_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
TWILL_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TWILL_INLINE Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
TWILL_INLINE Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
TWILL_INLINE Vec relu(Vec v) { return _mm256_max_ps(_mm256_setzero_ps(), v); }

TWILL_INLINE Mask gt(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
TWILL_INLINE Mask ge(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
TWILL_INLINE Mask eq(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
TWILL_INLINE Mask is_nan(Vec v) { return _mm256_cmp_ps(v, v, _CMP_UNORD_Q); }
TWILL_INLINE Mask unordered(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }
TWILL_INLINE Mask either(Mask m, Mask n) { return _mm256_or_ps(m, n); }
TWILL_INLINE Mask both(Mask m, Mask n) { return _mm256_and_ps(m, n); }
TWILL_INLINE bool any(Mask m) { return _mm256_movemask_ps(m) != 0; }
TWILL_INLINE uint32_t bits(Mask m) { return static_cast<uint32_t>(_mm256_movemask_ps(m)); }
TWILL_INLINE Vec select(Mask m, Vec a, Vec b) { return _mm256_blendv_ps(b, a, m); }

template <int kApart>
TWILL_INLINE Vec exchange(Vec v) {
  if constexpr (kApart == 4) return _mm256_permute2f128_ps(v, v, 1);
  return _mm256_permute_ps(v, kApart == 2 ? 0x4E : 0xB1);
}

TWILL_INLINE Index index_broadcast(int32_t i) { return _mm256_set1_epi32(i); }
TWILL_INLINE Index select(Mask m, Index a, Index b) {
  return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(b), _mm256_castsi256_ps(a), m));
}
TWILL_INLINE __m128i low_bytes(Index v) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  return _mm_packus_epi16(words, words);
}
TWILL_INLINE void store_u8(uint8_t* p, Index v) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), low_bytes(v));
}
TWILL_INLINE void store_u8_partial(uint8_t* p, Index v, int n) {
  uint64_t bytes = static_cast<uint64_t>(_mm_cvtsi128_si64(low_bytes(v)));
  for (int i = 0; i < n; ++i, bytes >>= 8) p[i] = static_cast<uint8_t>(bytes);
}

TWILL_INLINE Vec load_u8(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
TWILL_INLINE Vec load_u8_partial(const uint8_t* p, int n) {
  uint64_t bytes = 0;
  for (int i = 0; i < n; ++i) bytes |= static_cast<uint64_t>(p[i]) << (8 * i);
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes))));
}

}  // namespace
}  // namespace simd
}  // namespace twill
