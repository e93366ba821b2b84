// Sums over the values of images, in orders that do not depend on the vector's width: lanes are channels, or
// columns that values are dealt out to.
#pragma once

#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// The sum of term(0) + ... + term(count - 1) in four chains, for an addition waits 3-4 cycles for the last.
template <typename Term>
TWILL_INLINE simd::Vec sum_of(int64_t count, const Term& term) {
  simd::Vec a = simd::zero(), b = simd::zero(), c = simd::zero(), d = simd::zero();
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    a = simd::add(a, term(i));
    b = simd::add(b, term(i + 1));
    c = simd::add(c, term(i + 2));
    d = simd::add(d, term(i + 3));
  }
  for (; i < count; ++i) a = simd::add(a, term(i));
  return simd::add(simd::add(a, b), simd::add(c, d));
}

// body(first position, count) for blocks of positions, some 16 kB of C channels each.
template <typename Body>
TWILL_INLINE void each_block(int64_t begin, int64_t end, int64_t C, const Body& body) {
  constexpr int64_t kFloats = 4096, kLeast = 16;
  const int64_t most = kFloats / C > kLeast ? kFloats / C : kLeast;
  for (int64_t at = begin; at < end; at += most) body(at, end - at < most ? end - at : most);
}

// body(c, lanes) for each vector of C channels: as each_vector, but where code is downloaded in one copy for
// whole and partial vectors.
template <typename Body>
TWILL_INLINE void each_lanes(int64_t C, const Body& body) {
  if (!simd::kCompact) return each_vector(0, C, body);
  for (int64_t c = 0; c < C; c += simd::kWidth) {
    body(c, static_cast<int>(C - c < simd::kWidth ? C - c : simd::kWidth));
  }
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
