// Sums in an order that no vector width changes: sixteen side by side, which are then added in pairs.
#pragma once

#include "../simd/fold.h"
#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// The sum of `count` terms that term(i, lanes) gives a vector at a time, 0 in lanes past the last; in every
// lane.
template <typename Term>
TWILL_INLINE simd::Vec sum_of_terms(int64_t count, const Term& term) {
  constexpr int kSums = 16, kVectors = kSums / simd::kWidth;
  static_assert(kSums % simd::kWidth == 0);
  simd::Vec sums[kVectors];
  simd::unroll<0, kVectors>([&](auto k) TWILL_INLINE_LAMBDA {
    simd::Vec sum = simd::zero();
    for (int64_t i = k.value * simd::kWidth; i < count; i += kSums) {
      sum = simd::add(sum, term(i, count - i < simd::kWidth ? static_cast<int>(count - i) : simd::kWidth));
    }
    sums[k.value] = sum;
  });
  for (int vectors = kVectors / 2; vectors > 0; vectors /= 2) {
    for (int k = 0; k < vectors; ++k) sums[k] = simd::add(sums[k], sums[k + vectors]);
  }
  return simd::fold_lanes(sums[0],
                          [](simd::Vec a, simd::Vec b) TWILL_INLINE_LAMBDA { return simd::add(a, b); });
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
