// One lane: the reference for the other headers, and the way onto machines that have none of them.
#pragma once

#include <cstdint>

namespace twill {
namespace simd {
namespace {

// Structs, for float and int32_t themselves would make load(p) and store(p, x) ambiguous to readers and
// overloads.
struct Vec {
  float lane;
};
struct Mask {
  bool lane;
};
struct Index {
  int32_t lane;
};
constexpr int kWidth = 1;
constexpr int kRegisters = 16;
constexpr bool kCompact = true;
constexpr bool kFused = false;

TWILL_INLINE Vec zero() { return {0.0f}; }
TWILL_INLINE Vec broadcast(float x) { return {x}; }
TWILL_INLINE Vec load(const float* p) { return {*p}; }
TWILL_INLINE void store(float* p, Vec v) { *p = v.lane; }
TWILL_INLINE Vec load_partial(const float* p, int n) { return {n > 0 ? *p : 0.0f}; }
TWILL_INLINE void store_partial(float* p, Vec v, int n) {
  if (n > 0) *p = v.lane;
}

TWILL_INLINE Vec add(Vec a, Vec b) { return {a.lane + b.lane}; }
TWILL_INLINE Vec sub(Vec a, Vec b) { return {a.lane - b.lane}; }
TWILL_INLINE Vec mul(Vec a, Vec b) { return {a.lane * b.lane}; }
TWILL_INLINE Vec div(Vec a, Vec b) { return {a.lane / b.lane}; }
// Rounded twice, a float's root is what it is rounded once.
TWILL_INLINE Vec sqrt(Vec v) { return {static_cast<float>(__builtin_sqrt(v.lane))}; }
TWILL_INLINE float fma(float a, float b, float c) { return a * b + c; }
TWILL_INLINE Vec fma(Vec a, Vec b, Vec c) { return {a.lane * b.lane + c.lane}; }
TWILL_INLINE Vec max(Vec a, Vec b) { return {a.lane > b.lane ? a.lane : b.lane}; }
TWILL_INLINE Vec min(Vec a, Vec b) { return {a.lane < b.lane ? a.lane : b.lane}; }
TWILL_INLINE Vec relu(Vec v) { return {v.lane < 0.0f ? 0.0f : v.lane}; }

TWILL_INLINE Mask gt(Vec a, Vec b) { return {a.lane > b.lane}; }
TWILL_INLINE Mask ge(Vec a, Vec b) { return {a.lane >= b.lane}; }
TWILL_INLINE Mask eq(Vec a, Vec b) { return {a.lane == b.lane}; }
TWILL_INLINE Mask is_nan(Vec v) { return {v.lane != v.lane}; }
TWILL_INLINE Mask unordered(Vec a, Vec b) { return {a.lane != a.lane || b.lane != b.lane}; }
TWILL_INLINE Mask either(Mask m, Mask n) { return {m.lane || n.lane}; }
TWILL_INLINE Mask both(Mask m, Mask n) { return {m.lane && n.lane}; }
TWILL_INLINE bool any(Mask m) { return m.lane; }
TWILL_INLINE uint32_t bits(Mask m) { return m.lane; }
TWILL_INLINE Vec select(Mask m, Vec a, Vec b) { return m.lane ? a : b; }

template <int kApart>
TWILL_INLINE Vec exchange(Vec v) {
  return v;
}

TWILL_INLINE Index index_broadcast(int32_t i) { return {i}; }
TWILL_INLINE Index select(Mask m, Index a, Index b) { return m.lane ? a : b; }
TWILL_INLINE void store_u8(uint8_t* p, Index v) { *p = static_cast<uint8_t>(v.lane); }
TWILL_INLINE void store_u8_partial(uint8_t* p, Index v, int n) {
  if (n > 0) *p = static_cast<uint8_t>(v.lane);
}

TWILL_INLINE Vec load_u8(const uint8_t* p) { return {static_cast<float>(*p)}; }
TWILL_INLINE Vec load_u8_partial(const uint8_t* p, int n) { return {n > 0 ? static_cast<float>(*p) : 0.0f}; }

}  // namespace
}  // namespace simd
}  // namespace twill
