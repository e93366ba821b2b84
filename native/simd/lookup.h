// Tables of four floats, of which every lane picks one: the places of a 2x2 pooling window are to its
// channels.
//
//   Places                     kWidth places, 0..3
//   load_places(p, n)          from n bytes; lanes of bytes above 3 and past n give any of the four, or zero
//   lookup(four, places)       four[place] in every lane; kWidth floats from `four` on are readable
//   interleave(p, a, b, c, d)  p[4 i + k] = lane i of the k-th, 4 kWidth floats: kWidth tables
#pragma once

#include "simd.h"

namespace twill {
namespace simd {
namespace {

#if defined(TWILL_SIMD_SCALAR)
#define TWILL_LOOKUP_BY_LANE 1

#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
using Places = __m512i;
TWILL_INLINE Places load_places(const uint8_t* p, int n) {
  return _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_maskz_loadu_epi8(first_lanes(n), p));
}
TWILL_INLINE Vec lookup(const float* four, Places places) {
  // One instruction, and no shuffle for a broadcast: what follows the four is loaded, but not looked at.
  return _mm512_maskz_permutexvar_ps(kAllLanes, places, _mm512_loadu_ps(four));
}
TWILL_INLINE void interleave(float* p, Vec a, Vec b, Vec c, Vec d) {
  const auto low = [](Vec x, Vec y) { return _mm512_castps_pd(_mm512_maskz_unpacklo_ps(kAllLanes, x, y)); };
  const auto high = [](Vec x, Vec y) { return _mm512_castps_pd(_mm512_maskz_unpackhi_ps(kAllLanes, x, y)); };
  const __m512d ab0 = low(a, b), ab1 = high(a, b), cd0 = low(c, d), cd1 = high(c, d);
  // Tables 0, 4, 8, 12 and so on: what lies in the same place of the four 128-bit quarters.
  const __m512d t0 = _mm512_maskz_unpacklo_pd(0xFF, ab0, cd0), t1 = _mm512_maskz_unpackhi_pd(0xFF, ab0, cd0);
  const __m512d t2 = _mm512_maskz_unpacklo_pd(0xFF, ab1, cd1), t3 = _mm512_maskz_unpackhi_pd(0xFF, ab1, cd1);
  const __m512d u0 = _mm512_maskz_shuffle_f64x2(0xFF, t0, t1, 0x44),
                u1 = _mm512_maskz_shuffle_f64x2(0xFF, t0, t1, 0xEE);
  const __m512d u2 = _mm512_maskz_shuffle_f64x2(0xFF, t2, t3, 0x44),
                u3 = _mm512_maskz_shuffle_f64x2(0xFF, t2, t3, 0xEE);
  _mm512_storeu_pd(p, _mm512_maskz_shuffle_f64x2(0xFF, u0, u2, 0x88));
  _mm512_storeu_pd(p + 16, _mm512_maskz_shuffle_f64x2(0xFF, u0, u2, 0xDD));
  _mm512_storeu_pd(p + 32, _mm512_maskz_shuffle_f64x2(0xFF, u1, u3, 0x88));
  _mm512_storeu_pd(p + 48, _mm512_maskz_shuffle_f64x2(0xFF, u1, u3, 0xDD));
}

#elif defined(__AVX2__) && defined(__FMA__)
using Places = __m256i;
TWILL_INLINE Places load_places(const uint8_t* p, int n) {
  uint64_t bytes = 0;
  if (n == kWidth) {
    __builtin_memcpy(&bytes, p, sizeof bytes);
  } else {
    for (int i = 0; i < n; ++i) bytes |= static_cast<uint64_t>(p[i]) << (8 * i);
  }
  return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes)));
}
TWILL_INLINE Vec lookup(const float* four, Places places) {
  return _mm256_permutevar_ps(_mm256_broadcast_ps(reinterpret_cast<const __m128*>(four)), places);
}
TWILL_INLINE void interleave(float* p, Vec a, Vec b, Vec c, Vec d) {
  const __m256d ab0 = _mm256_castps_pd(_mm256_unpacklo_ps(a, b)),
                ab1 = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
  const __m256d cd0 = _mm256_castps_pd(_mm256_unpacklo_ps(c, d)),
                cd1 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
  const __m256d tables[4] = {_mm256_unpacklo_pd(ab0, cd0), _mm256_unpackhi_pd(ab0, cd0),
                             _mm256_unpacklo_pd(ab1, cd1), _mm256_unpackhi_pd(ab1, cd1)};
  for (int i = 0; i < 4; ++i) {
    _mm_storeu_ps(p + 4 * i, _mm256_castps256_ps128(_mm256_castpd_ps(tables[i])));
    _mm_storeu_ps(p + 4 * i + 16, _mm256_extractf128_ps(_mm256_castpd_ps(tables[i]), 1));
  }
}

#elif defined(__SSE2__)
// No shuffle by a variable before SSSE3: four loads.
struct Places {
  int64_t lane[4];
};
TWILL_INLINE Places load_places(const uint8_t* p, int n) {
  Places places = {};
  for (int i = 0; i < n; ++i) places.lane[i] = p[i] & 3;
  return places;
}
TWILL_INLINE Vec lookup(const float* four, const Places& places) {
  return _mm_setr_ps(four[places.lane[0]], four[places.lane[1]], four[places.lane[2]], four[places.lane[3]]);
}
TWILL_INLINE void interleave(float* p, Vec a, Vec b, Vec c, Vec d) {
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(p, a);
  _mm_storeu_ps(p + 4, b);
  _mm_storeu_ps(p + 8, c);
  _mm_storeu_ps(p + 12, d);
}

#elif defined(__ARM_NEON) && defined(__aarch64__)
using Places = uint8x16_t;  // each lane's four bytes in the table
TWILL_INLINE Places load_places(const uint8_t* p, int n) {
  uint32_t bytes = 0;
  for (int i = 0; i < n; ++i) bytes |= static_cast<uint32_t>(p[i]) << (8 * i);
  const uint8x16_t spread = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
  const uint8x16_t within = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
  const uint8x16_t places = vqtbl1q_u8(vreinterpretq_u8_u32(vdupq_n_u32(bytes)), spread);
  return vaddq_u8(vshlq_n_u8(places, 2), within);
}
TWILL_INLINE Vec lookup(const float* four, Places places) {
  return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(vld1q_f32(four)), places));
}
TWILL_INLINE void interleave(float* p, Vec a, Vec b, Vec c, Vec d) {
  vst4q_f32(p, (float32x4x4_t{{a, b, c, d}}));
}

#elif defined(__wasm_simd128__)
using Places = v128_t;  // each lane's four bytes in the table
TWILL_INLINE Places load_places(const uint8_t* p, int n) {
  uint32_t bytes = 0;
  for (int i = 0; i < n; ++i) bytes |= static_cast<uint32_t>(p[i]) << (8 * i);
  const v128_t all = wasm_i32x4_splat(static_cast<int32_t>(bytes));
  const v128_t places = wasm_i8x16_shuffle(all, all, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return wasm_i8x16_add(wasm_i8x16_shl(places, 2),
                        wasm_i8x16_const(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3));
}
TWILL_INLINE Vec lookup(const float* four, Places places) {
  return wasm_i8x16_swizzle(wasm_v128_load(four), places);
}
TWILL_INLINE void interleave(float* p, Vec a, Vec b, Vec c, Vec d) {
  const v128_t ab0 = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), ab1 = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
  const v128_t cd0 = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), cd1 = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
  wasm_v128_store(p, wasm_i64x2_shuffle(ab0, cd0, 0, 2));
  wasm_v128_store(p + 4, wasm_i64x2_shuffle(ab0, cd0, 1, 3));
  wasm_v128_store(p + 8, wasm_i64x2_shuffle(ab1, cd1, 0, 2));
  wasm_v128_store(p + 12, wasm_i64x2_shuffle(ab1, cd1, 1, 3));
}

#else
#define TWILL_LOOKUP_BY_LANE 1
#endif

#if defined(TWILL_LOOKUP_BY_LANE)
using Places = Index;
TWILL_INLINE Places load_places(const uint8_t* p, int n) { return {n > 0 ? p[0] & 3 : 0}; }
TWILL_INLINE Vec lookup(const float* four, Places places) { return {four[places.lane]}; }
TWILL_INLINE void interleave(float* p, Vec a, Vec b, Vec c, Vec d) {
  p[0] = a.lane;
  p[1] = b.lane;
  p[2] = c.lane;
  p[3] = d.lane;
}
#endif

}  // namespace
}  // namespace simd
}  // namespace twill
