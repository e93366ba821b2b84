// Sums in an order that no vector width changes: sixteen side by side, which are then added in pairs.
#pragma once

#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// The sum of `count` terms that term(i, lanes) gives a vector at a time, 0 in lanes past the last.
template <typename Term>
TWILL_INLINE float sum_of_terms(int64_t count, const Term& term) {
  constexpr int kSums = 16;
  static_assert(kSums % simd::kWidth == 0);
  float sums[kSums];
  for (int k = 0; k < kSums; k += simd::kWidth) {
    simd::Vec sum = simd::zero();
    for (int64_t i = k; i < count; i += kSums) {
      sum = simd::add(sum, term(i, count - i < simd::kWidth ? static_cast<int>(count - i) : simd::kWidth));
    }
    simd::store(sums + k, sum);
  }
  for (int width = kSums / 2; width > 0; width /= 2) {
    for (int k = 0; k < width; ++k) sums[k] += sums[k + width];
  }
  return sums[0];
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
