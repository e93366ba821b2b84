// SSE2, the baseline of x86-64: 4 lanes, 16 registers, no fused multiply-add.
//
// A product and a sum are two instructions on ports that take 2 a cycle, at 3-4 cycles latency each: half the
// rate of FMA code of this width, and 8 accumulators suffice to keep the adders busy.
#pragma once

#include <emmintrin.h>

#include <cstdint>

namespace twill {
namespace simd {
namespace {

using Vec = __m128;
using Mask = __m128;
using Index = __m128i;
constexpr int kWidth = 4;
constexpr int kRegisters = 16;
constexpr bool kCompact = true;
constexpr bool kFused = false;

TWILL_INLINE Vec zero() { return _mm_setzero_ps(); }
TWILL_INLINE Vec broadcast(float x) { return _mm_set1_ps(x); }
TWILL_INLINE Vec load(const float* p) { return _mm_loadu_ps(p); }
TWILL_INLINE void store(float* p, Vec v) { _mm_storeu_ps(p, v); }
TWILL_INLINE Vec load_pair(const float* p) {
  double pair;  // as memory without alignment: one movsd
  __builtin_memcpy(&pair, p, sizeof pair);
  return _mm_castpd_ps(_mm_set_sd(pair));
}
TWILL_INLINE void store_pair(float* p, Vec v) {
  const double pair = _mm_cvtsd_f64(_mm_castps_pd(v));
  __builtin_memcpy(p, &pair, sizeof pair);
}
TWILL_INLINE Vec load_partial(const float* p, int n) {
  if (n == 4) return load(p);
  if (n == 3) return _mm_movelh_ps(load_pair(p), _mm_load_ss(p + 2));
  if (n == 2) return load_pair(p);
  if (n == 1) return _mm_load_ss(p);
  return zero();
}
TWILL_INLINE void store_partial(float* p, Vec v, int n) {
  if (n == 4) return store(p, v);
  if (n >= 2) store_pair(p, v);
  if (n == 3) _mm_store_ss(p + 2, _mm_movehl_ps(v, v));
  if (n == 1) _mm_store_ss(p, v);
}

TWILL_INLINE Vec add(Vec a, Vec b) { return _mm_add_ps(a, b); }
TWILL_INLINE Vec sub(Vec a, Vec b) { return _mm_sub_ps(a, b); }
TWILL_INLINE Vec mul(Vec a, Vec b) { return _mm_mul_ps(a, b); }
TWILL_INLINE Vec div(Vec a, Vec b) { return _mm_div_ps(a, b); }
TWILL_INLINE Vec sqrt(Vec v) { return _mm_sqrt_ps(v); }
TWILL_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
TWILL_INLINE float fma(float a, float b, float c) { return a * b + c; }
TWILL_INLINE Vec max(Vec a, Vec b) { return _mm_max_ps(a, b); }
TWILL_INLINE Vec min(Vec a, Vec b) { return _mm_min_ps(a, b); }
TWILL_INLINE Vec relu(Vec v) { return _mm_max_ps(_mm_setzero_ps(), v); }

TWILL_INLINE Mask gt(Vec a, Vec b) { return _mm_cmpgt_ps(a, b); }
TWILL_INLINE Mask ge(Vec a, Vec b) { return _mm_cmpge_ps(a, b); }
TWILL_INLINE Mask eq(Vec a, Vec b) { return _mm_cmpeq_ps(a, b); }
TWILL_INLINE Mask is_nan(Vec v) { return _mm_cmpunord_ps(v, v); }
TWILL_INLINE Mask unordered(Vec a, Vec b) { return _mm_cmpunord_ps(a, b); }
TWILL_INLINE Mask either(Mask m, Mask n) { return _mm_or_ps(m, n); }
TWILL_INLINE Mask both(Mask m, Mask n) { return _mm_and_ps(m, n); }
TWILL_INLINE bool any(Mask m) { return _mm_movemask_ps(m) != 0; }
TWILL_INLINE uint32_t bits(Mask m) { return static_cast<uint32_t>(_mm_movemask_ps(m)); }
TWILL_INLINE Vec select(Mask m, Vec a, Vec b) { return _mm_or_ps(_mm_and_ps(m, a), _mm_andnot_ps(m, b)); }

template <int kApart>
TWILL_INLINE Vec exchange(Vec v) {
  return _mm_shuffle_ps(v, v, kApart == 2 ? 0x4E : 0xB1);
}

TWILL_INLINE Index index_broadcast(int32_t i) { return _mm_set1_epi32(i); }
TWILL_INLINE Index select(Mask m, Index a, Index b) {
  const __m128i bits = _mm_castps_si128(m);
  return _mm_or_si128(_mm_and_si128(bits, a), _mm_andnot_si128(bits, b));
}
TWILL_INLINE uint32_t low_bytes(Index v) {
  const __m128i words = _mm_packs_epi32(v, v);
  return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
}
TWILL_INLINE void store_u8(uint8_t* p, Index v) {
  const uint32_t bytes = low_bytes(v);
  __builtin_memcpy(p, &bytes, 4);
}
TWILL_INLINE void store_u8_partial(uint8_t* p, Index v, int n) {
  uint32_t bytes = low_bytes(v);
  for (int i = 0; i < n; ++i, bytes >>= 8) p[i] = static_cast<uint8_t>(bytes);
}

TWILL_INLINE Vec bytes_to_floats(uint32_t bytes) {
  const __m128i none = _mm_setzero_si128();
  const __m128i words = _mm_unpacklo_epi8(_mm_cvtsi32_si128(static_cast<int32_t>(bytes)), none);
  return _mm_cvtepi32_ps(_mm_unpacklo_epi16(words, none));
}
TWILL_INLINE Vec load_u8(const uint8_t* p) {
  uint32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return bytes_to_floats(bytes);
}
TWILL_INLINE Vec load_u8_partial(const uint8_t* p, int n) {
  uint32_t bytes = 0;
  for (int i = 0; i < n; ++i) bytes |= static_cast<uint32_t>(p[i]) << (8 * i);
  return bytes_to_floats(bytes);
}

}  // namespace
}  // namespace simd
}  // namespace twill
