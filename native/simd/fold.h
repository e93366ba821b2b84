// One number out of a vector's lanes, given to all of them: by halves, each step a shuffle and an operation,
// so that nothing goes through memory.
#pragma once

#include "simd.h"

namespace twill {
namespace simd {
namespace {

template <int kApart = kWidth / 2, typename Combine>
TWILL_INLINE Vec fold_lanes(Vec v, const Combine& combine) {
  if constexpr (kApart == 0) {
    return v;
  } else {
    return fold_lanes<kApart / 2>(combine(v, exchange<kApart>(v)), combine);
  }
}

TWILL_INLINE float first_lane(Vec v) {
  float lanes[kWidth];
  store(lanes, v);
  return lanes[0];
}

}  // namespace
}  // namespace simd
}  // namespace twill
