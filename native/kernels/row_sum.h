// Sums in an order that no vector width changes: sixteen side by side, which are then added in pairs.
#pragma once

#include <cstdint>

#include "../simd/unroll.h"

namespace twill {
namespace {

// term(0) + ... + term(count - 1)
template <typename Term>
TWILL_INLINE float sum_of_terms(int64_t count, const Term& term) {
  constexpr int kSums = 16;
  float sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (int k = 0; k < kSums; ++k) sums[k] += term(i + k);
  }
  for (int k = 0; i + k < count; ++k) sums[k] += term(i + k);
  for (int width = kSums / 2; width > 0; width /= 2) {
    for (int k = 0; k < width; ++k) sums[k] += sums[k + width];
  }
  return sums[0];
}

}  // namespace
}  // namespace twill
