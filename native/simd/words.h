// Vectors of 32-bit words, in the notation that GCC and Clang share: the bits of floats, and hashes.
#pragma once

#include "simd.h"

namespace twill {
namespace simd {
namespace {

using Words = uint32_t __attribute__((vector_size(4 * kWidth)));
using SignedWords = int32_t __attribute__((vector_size(4 * kWidth)));
static_assert(sizeof(Words) == sizeof(Vec));

TWILL_INLINE Words words_of(Vec v) {
  Words words;
  __builtin_memcpy(&words, &v, sizeof words);
  return words;
}

TWILL_INLINE Vec floats_of(Words words) {
  Vec v;
  __builtin_memcpy(&v, &words, sizeof v);
  return v;
}

// -|v|; NaN stays NaN.
TWILL_INLINE Vec negative(Vec v) { return floats_of(words_of(v) | 0x80000000u); }
TWILL_INLINE Vec magnitude(Vec v) { return floats_of(words_of(v) & 0x7FFFFFFFu); }
// `v` with the sign of another: of a `v` that is not negative, or whose sign is that one or 0's.
TWILL_INLINE Vec with_sign(Vec v, Vec sign) {
  return floats_of(words_of(v) | (words_of(sign) & 0x80000000u));
}

}  // namespace
}  // namespace simd
}  // namespace twill
