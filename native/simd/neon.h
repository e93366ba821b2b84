// NEON on AArch64: 4 lanes, 32 registers, FMA in the baseline.
//
// Apple's and Arm's large cores issue 4 FMAs a cycle of 4 cycles latency: 16 in flight, which 24-28
// accumulators give with room for weights and inputs. FMLA takes one lane of a register as its multiplier, so
// that four inputs loaded at once serve four FMAs without a broadcast; compilers form it from vdupq_laneq.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace twill {
namespace simd {
namespace {

using Vec = float32x4_t;
using Mask = uint32x4_t;
using Index = int32x4_t;
constexpr int kWidth = 4;
constexpr int kRegisters = 32;
constexpr bool kCompact = false;
constexpr bool kFused = true;

TWILL_INLINE Vec zero() { return vdupq_n_f32(0.0f); }
TWILL_INLINE Vec broadcast(float x) { return vdupq_n_f32(x); }
TWILL_INLINE Vec load(const float* p) { return vld1q_f32(p); }
TWILL_INLINE void store(float* p, Vec v) { vst1q_f32(p, v); }
TWILL_INLINE Vec load_partial(const float* p, int n) {
  if (n == 4) return load(p);
  if (n == 3) return vcombine_f32(vld1_f32(p), vld1_lane_f32(p + 2, vdup_n_f32(0.0f), 0));
  if (n == 2) return vcombine_f32(vld1_f32(p), vdup_n_f32(0.0f));
  if (n == 1) return vld1q_lane_f32(p, zero(), 0);
  return zero();
}
TWILL_INLINE void store_partial(float* p, Vec v, int n) {
  if (n == 4) return store(p, v);
  if (n >= 2) vst1_f32(p, vget_low_f32(v));
  if (n == 3) vst1q_lane_f32(p + 2, v, 2);
  if (n == 1) vst1q_lane_f32(p, v, 0);
}

TWILL_INLINE Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
TWILL_INLINE Vec sub(Vec a, Vec b) { return vsubq_f32(a, b); }
TWILL_INLINE Vec mul(Vec a, Vec b) { return vmulq_f32(a, b); }
TWILL_INLINE Vec div(Vec a, Vec b) { return vdivq_f32(a, b); }
TWILL_INLINE Vec sqrt(Vec v) { return vsqrtq_f32(v); }
TWILL_INLINE Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
TWILL_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TWILL_INLINE Vec max(Vec a, Vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
TWILL_INLINE Vec min(Vec a, Vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
TWILL_INLINE Vec relu(Vec v) {
  return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), vcltzq_f32(v)));
}

TWILL_INLINE Mask gt(Vec a, Vec b) { return vcgtq_f32(a, b); }
TWILL_INLINE Mask ge(Vec a, Vec b) { return vcgeq_f32(a, b); }
TWILL_INLINE Mask eq(Vec a, Vec b) { return vceqq_f32(a, b); }
TWILL_INLINE Mask is_nan(Vec v) { return vmvnq_u32(vceqq_f32(v, v)); }
TWILL_INLINE Mask unordered(Vec a, Vec b) { return vmvnq_u32(vandq_u32(vceqq_f32(a, a), vceqq_f32(b, b))); }
TWILL_INLINE Mask either(Mask m, Mask n) { return vorrq_u32(m, n); }
TWILL_INLINE Mask both(Mask m, Mask n) { return vandq_u32(m, n); }
TWILL_INLINE bool any(Mask m) { return vmaxvq_u32(m) != 0; }
TWILL_INLINE uint32_t bits(Mask m) {
  const uint32x4_t places = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(m, places));
}
TWILL_INLINE Vec select(Mask m, Vec a, Vec b) { return vbslq_f32(m, a, b); }

template <int kApart>
TWILL_INLINE Vec exchange(Vec v) {
  return kApart == 2 ? vextq_f32(v, v, 2) : vrev64q_f32(v);
}

TWILL_INLINE Index index_broadcast(int32_t i) { return vdupq_n_s32(i); }
TWILL_INLINE Index select(Mask m, Index a, Index b) { return vbslq_s32(m, a, b); }
TWILL_INLINE uint32_t low_bytes(Index v) {
  const uint16x4_t words = vmovn_u32(vreinterpretq_u32_s32(v));
  return vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words))), 0);
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
  const uint16x8_t words = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(bytes)));
  return vcvtq_f32_u32(vmovl_u16(vget_low_u16(words)));
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
