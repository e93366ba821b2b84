// A bias's gradient: the sum of the output's over all positions.
#pragma once

#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// grad_bias[c] += the sum of load(i * channels + c, lanes) over the positions i. Each quarter of them is a
// chain of its own, for an addition waits 3-4 cycles for the last.
template <typename Load>
TWILL_INLINE void add_bias(int64_t positions, int channels, const Load& load, float* grad_bias) {
  using namespace simd;
  const int64_t quarter = positions / 4 * channels;
  each_vector(0, channels, [&](int64_t channel, int lanes) {
    Vec a = zero(), b = zero(), c = zero(), d = zero();
    for (int64_t at = channel; at < channel + quarter; at += channels) {
      a = add(a, load(at, lanes));
      b = add(b, load(at + quarter, lanes));
      c = add(c, load(at + 2 * quarter, lanes));
      d = add(d, load(at + 3 * quarter, lanes));
    }
    for (int64_t at = channel + 4 * quarter; at < positions * channels; at += channels)
      a = add(a, load(at, lanes));
    const Vec sum = add(add(a, b), add(c, d));
    store_lanes(grad_bias + channel, add(load_lanes(grad_bias + channel, lanes), sum), lanes);
  });
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
