// WebAssembly SIMD: 4 lanes. The engine allocates registers: of the 16 on x86-64 V8 keeps one and needs one
// for a product, and spills beyond some 12 in a loop (seen in its code: none with 8 sums, 2 weights and an
// input, 4 loads and stores a turn with 10 sums, 8 with 12).
//
// Relaxed SIMD has a multiply-add that the engine may fuse or not, the same way throughout a run. A load that
// is splatted (v128.load32_splat) is one instruction of x86 (vbroadcastss), and madd with AVX2 hosts
// vfmadd231ps.
#pragma once

#include <wasm_simd128.h>

#include <cstdint>

namespace twill {
namespace simd {
namespace {

using Vec = v128_t;
using Mask = v128_t;
struct Index {
  v128_t lanes;  // a type of its own: to the compiler every v128_t is one type, floats or not
};
constexpr int kWidth = 4;
constexpr int kRegisters = 12;
constexpr bool kCompact = true;
#if defined(__wasm_relaxed_simd__)
constexpr bool kFused = true;  // the loader tries it, and takes other code where the engine does not fuse
#else
constexpr bool kFused = false;
#endif

TWILL_INLINE Vec zero() { return wasm_f32x4_const_splat(0.0f); }
TWILL_INLINE Vec broadcast(float x) { return wasm_f32x4_splat(x); }
TWILL_INLINE Vec load(const float* p) { return wasm_v128_load(p); }
TWILL_INLINE void store(float* p, Vec v) { wasm_v128_store(p, v); }
TWILL_INLINE Vec load_partial(const float* p, int n) {
  if (n == 4) return load(p);
  if (n == 3) return wasm_v128_load32_lane(p + 2, wasm_v128_load64_zero(p), 2);
  if (n == 2) return wasm_v128_load64_zero(p);
  if (n == 1) return wasm_v128_load32_zero(p);
  return zero();
}
TWILL_INLINE void store_partial(float* p, Vec v, int n) {
  if (n == 4) return store(p, v);
  if (n >= 2) wasm_v128_store64_lane(p, v, 0);
  if (n == 3) wasm_v128_store32_lane(p + 2, v, 2);
  if (n == 1) wasm_v128_store32_lane(p, v, 0);
}

TWILL_INLINE Vec add(Vec a, Vec b) { return wasm_f32x4_add(a, b); }
TWILL_INLINE Vec sub(Vec a, Vec b) { return wasm_f32x4_sub(a, b); }
TWILL_INLINE Vec mul(Vec a, Vec b) { return wasm_f32x4_mul(a, b); }
TWILL_INLINE Vec div(Vec a, Vec b) { return wasm_f32x4_div(a, b); }
TWILL_INLINE Vec sqrt(Vec v) { return wasm_f32x4_sqrt(v); }
TWILL_INLINE Vec fma(Vec a, Vec b, Vec c) {
#if defined(__wasm_relaxed_simd__)
  return wasm_f32x4_relaxed_madd(a, b, c);
#else
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
#endif
}
TWILL_INLINE float fma(float a, float b, float c) {
#if defined(__wasm_relaxed_simd__)
  return wasm_f32x4_extract_lane(fma(wasm_f32x4_splat(a), wasm_f32x4_splat(b), wasm_f32x4_splat(c)), 0);
#else
  return a * b + c;
#endif
}
// pmax(a, b) is a < b ? b : a: with the operands exchanged it is this max, and one instruction on x86.
TWILL_INLINE Vec max(Vec a, Vec b) { return wasm_f32x4_pmax(b, a); }
TWILL_INLINE Vec min(Vec a, Vec b) { return wasm_f32x4_pmin(b, a); }
TWILL_INLINE Vec relu(Vec v) { return wasm_f32x4_pmax(v, zero()); }

TWILL_INLINE Mask gt(Vec a, Vec b) { return wasm_f32x4_gt(a, b); }
TWILL_INLINE Mask ge(Vec a, Vec b) { return wasm_f32x4_ge(a, b); }
TWILL_INLINE Mask eq(Vec a, Vec b) { return wasm_f32x4_eq(a, b); }
TWILL_INLINE Mask is_nan(Vec v) { return wasm_f32x4_ne(v, v); }
TWILL_INLINE Mask unordered(Vec a, Vec b) { return wasm_v128_or(wasm_f32x4_ne(a, a), wasm_f32x4_ne(b, b)); }
TWILL_INLINE Mask either(Mask m, Mask n) { return wasm_v128_or(m, n); }
TWILL_INLINE Mask both(Mask m, Mask n) { return wasm_v128_and(m, n); }
TWILL_INLINE bool any(Mask m) { return wasm_v128_any_true(m); }
TWILL_INLINE uint32_t bits(Mask m) { return static_cast<uint32_t>(wasm_i32x4_bitmask(m)); }
TWILL_INLINE Vec select(Mask m, Vec a, Vec b) { return wasm_v128_bitselect(a, b, m); }

template <int kApart>
TWILL_INLINE Vec exchange(Vec v) {
  return kApart == 2 ? wasm_i32x4_shuffle(v, v, 2, 3, 0, 1) : wasm_i32x4_shuffle(v, v, 1, 0, 3, 2);
}

TWILL_INLINE Index index_broadcast(int32_t i) { return {wasm_i32x4_splat(i)}; }
TWILL_INLINE Index select(Mask m, Index a, Index b) { return {wasm_v128_bitselect(a.lanes, b.lanes, m)}; }
TWILL_INLINE uint32_t low_bytes(Index v) {
  const v128_t words = wasm_u16x8_narrow_i32x4(v.lanes, v.lanes);
  return static_cast<uint32_t>(wasm_i32x4_extract_lane(wasm_u8x16_narrow_i16x8(words, words), 0));
}
TWILL_INLINE void store_u8(uint8_t* p, Index v) {
  const uint32_t bytes = low_bytes(v);
  __builtin_memcpy(p, &bytes, 4);
}
TWILL_INLINE void store_u8_partial(uint8_t* p, Index v, int n) {
  uint32_t bytes = low_bytes(v);
  for (int i = 0; i < n; ++i, bytes >>= 8) p[i] = static_cast<uint8_t>(bytes);
}

TWILL_INLINE Vec bytes_to_floats(v128_t bytes) {
  return wasm_f32x4_convert_u32x4(wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(bytes)));
}
TWILL_INLINE Vec load_u8(const uint8_t* p) { return bytes_to_floats(wasm_v128_load32_zero(p)); }
TWILL_INLINE Vec load_u8_partial(const uint8_t* p, int n) {
  uint32_t bytes = 0;
  for (int i = 0; i < n; ++i) bytes |= static_cast<uint32_t>(p[i]) << (8 * i);
  return bytes_to_floats(wasm_i32x4_splat(static_cast<int32_t>(bytes)));
}

}  // namespace
}  // namespace simd
}  // namespace twill
