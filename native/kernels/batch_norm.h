// What the kernels of batch normalisation know of a channel.
#pragma once

#include "elementwise.h"
#include "kernel.h"
#include "params_normalisation.h"
#include "sums.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// Of each channel: the mean, 1 / sqrt(var + eps), and the variance for the running statistics.
struct Statistics {
  float* data;
  int64_t C;

  float* mean() const { return data; }
  float* inverse() const { return data + C; }
  float* unbiased() const { return data + 2 * C; }

  void set(int64_t c, double mean_of_c, double variance, float eps) const {
    mean()[c] = static_cast<float>(mean_of_c);
    inverse()[c] = static_cast<float>(1.0 / __builtin_sqrt(variance + static_cast<double>(eps)));
  }
  void set_unbiased(int64_t c, double variance) const { unbiased()[c] = static_cast<float>(variance); }
};

// (x - mean) scale + shift, of kWidth channels.
struct ChannelAffine {
  simd::Vec mean, scale, shift;

  TWILL_INLINE simd::Vec of_distance(simd::Vec distance) const { return simd::fma(distance, scale, shift); }
  TWILL_INLINE simd::Vec apply(simd::Vec x) const { return of_distance(simd::sub(x, mean)); }
  // The upstream gradient where a ReLU lets pass what comes of x - mean; it lets NaN pass.
  TWILL_INLINE simd::Vec passed(simd::Vec distance, simd::Vec upstream) const {
    return simd::select(simd::ge(simd::zero(), of_distance(distance)), simd::zero(), upstream);
  }
};

// From the operands statistics, weight and bias, one after another; the latter two may be missing.
struct Affine {
  Statistics statistics;
  const float* weight;
  const float* bias;

  Affine(const Work& work, int first, int64_t C)
      : statistics{operand<float>(work, first), C},
        weight(operand<const float>(work, first + 1)),
        bias(operand<const float>(work, first + 2)) {}

  TWILL_INLINE ChannelAffine at(int64_t c, int lanes) const {
    const simd::Vec inverse = load_lanes(statistics.inverse() + c, lanes);
    return {load_lanes(statistics.mean() + c, lanes),
            weight ? simd::mul(inverse, load_lanes(weight + c, lanes)) : inverse,
            bias ? load_lanes(bias + c, lanes) : simd::zero()};
  }
};

// The gradient of x is scale g + slope (x - mean) + offset, of kWidth channels.
struct ChannelTerms {
  simd::Vec scale, slope, offset;

  // What every value of a channel gets, whatever its own gradient.
  TWILL_INLINE simd::Vec spread(simd::Vec distance) const { return simd::fma(slope, distance, offset); }
};

struct Terms {
  float* data;
  int64_t C;

  float* scale() const { return data; }
  float* slope() const { return data + C; }
  float* offset() const { return data + 2 * C; }

  TWILL_INLINE ChannelTerms at(int64_t c, int lanes) const {
    return {load_lanes(scale() + c, lanes), load_lanes(slope() + c, lanes), load_lanes(offset() + c, lanes)};
  }
};

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
