// Loops that are unrolled for certain: registers cannot be indexed, so a block of accumulators stays in them
// only if every index is a constant, which the compilers' own unrolling grants up to limits of theirs.
#pragma once

#include <cstdint>

#include "simd.h"

#define TWILL_INLINE_LAMBDA __attribute__((always_inline))

namespace twill {
namespace simd {
namespace {

template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};

// body(Constant<i>) for i = kBegin .. kEnd - 1
template <int kBegin, int kEnd, typename Body>
TWILL_INLINE void unroll(const Body& body) {
  if constexpr (kBegin < kEnd) {
    body(Constant<kBegin>{});
    unroll<kBegin + 1, kEnd>(body);
  }
}

// The same value, about which the compiler knows nothing.
template <typename T>
TWILL_INLINE T opaque(T value) {
  asm("" : "+r"(value));
  return value;
}

// Keeps a vector in a register: the compiler would rather load it again for each of its uses, as their
// operand.
TWILL_INLINE void hold(Vec& value) {
#if defined(TWILL_SIMD_SCALAR) || defined(__wasm__)
  (void)value;
#elif defined(__x86_64__)
  asm("" : "+v"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#endif
}

}  // namespace
}  // namespace simd
}  // namespace twill
