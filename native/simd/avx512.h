// AVX-512: 16 lanes, 32 registers, masked loads and stores at the price of whole ones.
//
// Sapphire Rapids issues 2 zmm FMAs a cycle (ports 0 and 5) of 4 cycles latency: 8 must be in flight. Zen 4
// issues one of 4 cycles on two 256-bit halves: 4 in flight. Both load two zmm a cycle, and an FMA with an
// embedded broadcast ({1to16}) takes its load along, so a block needs more FMAs than loads to run at the FMA
// ports' speed.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace twill {
namespace simd {
namespace {

using Vec = __m512;
using Mask = __mmask16;
using Index = __m512i;
constexpr int kWidth = 16;
constexpr int kRegisters = 32;
constexpr bool kCompact = false;
constexpr bool kFused = true;

// GCC 12 warns of its own uninitialized variable in the unmasked forms of some intrinsics; under a constant
// full mask they compile to the same unmasked instruction.
constexpr Mask kAllLanes = 0xFFFF;

TWILL_INLINE __mmask16 first_lanes(int n) { return static_cast<__mmask16>((1u << n) - 1); }

TWILL_INLINE Vec zero() { return _mm512_setzero_ps(); }
TWILL_INLINE Vec broadcast(float x) { return _mm512_set1_ps(x); }
TWILL_INLINE Vec load(const float* p) { return _mm512_loadu_ps(p); }
TWILL_INLINE void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
TWILL_INLINE Vec load_partial(const float* p, int n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
TWILL_INLINE void store_partial(float* p, Vec v, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }

TWILL_INLINE Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
TWILL_INLINE Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
TWILL_INLINE Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
TWILL_INLINE Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
TWILL_INLINE Vec sqrt(Vec v) { return _mm512_maskz_sqrt_ps(kAllLanes, v); }
TWILL_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
TWILL_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TWILL_INLINE Vec max(Vec a, Vec b) { return _mm512_maskz_max_ps(kAllLanes, a, b); }
TWILL_INLINE Vec min(Vec a, Vec b) { return _mm512_maskz_min_ps(kAllLanes, a, b); }
TWILL_INLINE Vec relu(Vec v) { return _mm512_maskz_max_ps(kAllLanes, _mm512_setzero_ps(), v); }

TWILL_INLINE Mask gt(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
TWILL_INLINE Mask ge(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
TWILL_INLINE Mask eq(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
TWILL_INLINE Mask is_nan(Vec v) { return _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q); }
TWILL_INLINE Mask unordered(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
TWILL_INLINE Mask either(Mask m, Mask n) { return static_cast<Mask>(m | n); }
TWILL_INLINE Mask both(Mask m, Mask n) { return static_cast<Mask>(m & n); }
TWILL_INLINE bool any(Mask m) { return m != 0; }
TWILL_INLINE uint32_t bits(Mask m) { return m; }
TWILL_INLINE Vec select(Mask m, Vec a, Vec b) { return _mm512_mask_blend_ps(m, b, a); }

template <int kApart>
TWILL_INLINE Vec exchange(Vec v) {
  if constexpr (kApart == 8) return _mm512_maskz_shuffle_f32x4(kAllLanes, v, v, 0x4E);
  if constexpr (kApart == 4) return _mm512_maskz_shuffle_f32x4(kAllLanes, v, v, 0xB1);
  return _mm512_maskz_permute_ps(kAllLanes, v, kApart == 2 ? 0x4E : 0xB1);
}

TWILL_INLINE Index index_broadcast(int32_t i) { return _mm512_set1_epi32(i); }
TWILL_INLINE Index select(Mask m, Index a, Index b) { return _mm512_mask_blend_epi32(m, b, a); }
TWILL_INLINE void store_u8(uint8_t* p, Index v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(kAllLanes, v));
}
TWILL_INLINE void store_u8_partial(uint8_t* p, Index v, int n) {
  _mm_mask_storeu_epi8(p, first_lanes(n), _mm512_maskz_cvtepi32_epi8(kAllLanes, v));
}

TWILL_INLINE Vec load_u8(const uint8_t* p) {
  return _mm512_maskz_cvtepi32_ps(
      kAllLanes, _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
TWILL_INLINE Vec load_u8_partial(const uint8_t* p, int n) {
  return _mm512_maskz_cvtepi32_ps(
      kAllLanes, _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_maskz_loadu_epi8(first_lanes(n), p)));
}

}  // namespace
}  // namespace simd
}  // namespace twill
