// Batch normalisation: y = (x - mean) / sqrt(var + eps) * weight + bias over a channel's values in the whole
// batch.
//
// Forward goes over the batch twice, with a barrier between: statistics (each tile right after the
// convolution that made it, while it is in L2), then the result. So does backward: the sums that the
// gradients of mean and variance are made of, then the gradient. Each pass does 3 to 5 operations a float and
// moves 4 to 12 bytes for it.
//
// Values lie [position][C] with the positions of all images one after another. Blocks of positions that fit
// L1 are gone over channel by channel, with what a channel has in registers.
#include "batch_norm.h"

#include "elementwise.h"
#include "kernel.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

// Means and sums of squared distances from them: a block by itself in two passes over L1, then merged with
// those before (Chan, Golub and LeVeque 1979), so that nothing is lost where the mean is far from zero.
void batch_norm_statistics(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormParams>(work);
  float* means = operand<float>(work, 1);
  float* squares = means + p.C;
  if (work.first) zero_floats(means, 2 * int64_t{p.C});
  float merged = static_cast<float>((begin - slice_begin(work, begin)) * p.positions);
  each_block(begin * p.positions, end * p.positions, p.C, [&](int64_t at, int64_t count) {
    const float* block = operand<const float>(work, 0) + at * p.C;
    const float all = merged + static_cast<float>(count);
    const Vec one_of = broadcast(1.0f / static_cast<float>(count));
    const Vec weight = broadcast(static_cast<float>(count) / all);
    const Vec both = broadcast(merged * (static_cast<float>(count) / all));
    each_vector(0, p.C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const float* x = block + c;
      const Vec mean =
          mul(sum_of(count, [&](int64_t i) TWILL_INLINE_LAMBDA { return load_lanes(x + i * p.C, lanes); }),
              one_of);
      const Vec square = sum_of(count, [&](int64_t i) TWILL_INLINE_LAMBDA {
        const Vec d = sub(load_lanes(x + i * p.C, lanes), mean);
        return mul(d, d);
      });
      const Vec before = load_lanes(means + c, lanes);
      const Vec delta = sub(mean, before);
      store_lanes(means + c, fma(delta, weight, before), lanes);
      const Vec sum = add(load_lanes(squares + c, lanes), square);
      store_lanes(squares + c, fma(mul(delta, delta), both, sum), lanes);
    });
    merged = all;
  });
}

// Merges the slices in order, in double.
void batch_norm_moments(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormMomentsParams>(work);
  const float* partials = operand<const float>(work, 0);
  const Statistics statistics{operand<float>(work, 1), p.C};
  for (int64_t c = begin; c < end; ++c) {
    double mean = 0, squares = 0, merged = 0;
    for (int64_t s = 0; s < work.slices; ++s) {
      const float* partial = partials + s * p.slice_stride + c;
      const double count = static_cast<double>(images_of_slice(work, s) * p.positions);
      const double all = merged + count;
      const double delta = static_cast<double>(partial[0]) - mean;
      mean += delta * (count / all);
      squares += static_cast<double>(partial[p.C]) + delta * delta * (merged * (count / all));
      merged = all;
    }
    statistics.set(c, mean, squares / merged, float_of(p.eps));
    statistics.set_unbiased(c, squares / (merged - 1));
  }
}

void batch_norm_running(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormRunningParams>(work);
  const float* mean = operand<const float>(work, 0);
  const float* var = operand<const float>(work, 1);
  const Statistics statistics{operand<float>(work, 2), p.C};
  for (int64_t c = begin; c < end; ++c) {
    const double variance = static_cast<double>(var[c]);
    statistics.set(c, static_cast<double>(mean[c]), variance, float_of(p.eps));
    statistics.set_unbiased(c, variance);
  }
}

void batch_norm_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormParams>(work);
  const Affine affine(work, 1, p.C);
  const bool cut = p.relu != 0;
  each_block(begin * p.positions, end * p.positions, p.C, [&](int64_t at, int64_t count) {
    const float* x = operand<const float>(work, 0) + at * p.C;
    float* y = operand<float>(work, 4) + at * p.C;
    each_vector(0, p.C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const ChannelAffine channel = affine.at(c, lanes);
      for (int64_t i = c; i < c + count * p.C; i += p.C) {
        const Vec value = channel.apply(load_lanes(x + i, lanes));
        store_lanes(y + i, cut ? relu(value) : value, lanes);
      }
    });
  });
}

// grad_bias = sum of g, grad_weight = sum of g * (x - mean) / sqrt(var + eps); g is the upstream gradient
// where the ReLU after it let the value pass, which x tells.
void batch_norm_backward_sums(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormParams>(work);
  const Affine affine(work, 2, p.C);
  float* grad_weight = operand<float>(work, 5);
  float* grad_bias = operand<float>(work, 6);
  if (work.first) {
    zero_floats(grad_weight, p.C);
    zero_floats(grad_bias, p.C);
  }
  each_block(begin * p.positions, end * p.positions, p.C, [&](int64_t at, int64_t count) {
    const float* x = operand<const float>(work, 0) + at * p.C;
    const float* grad_output = operand<const float>(work, 1) + at * p.C;
    each_vector(0, p.C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const ChannelAffine channel = affine.at(c, lanes);
      // Two chains each.
      Vec bias[2] = {zero(), zero()}, weight[2] = {zero(), zero()};
      const auto take = [&](int64_t i, int chain) TWILL_INLINE_LAMBDA {
        const Vec distance = sub(load_lanes(x + i, lanes), channel.mean);
        const Vec upstream = load_lanes(grad_output + i, lanes);
        const Vec g = p.relu ? channel.passed(distance, upstream) : upstream;
        bias[chain] = add(bias[chain], g);
        weight[chain] = fma(g, distance, weight[chain]);
      };
      int64_t i = 0;
      for (; i + 2 <= count; i += 2) {
        take(i * p.C + c, 0);
        take((i + 1) * p.C + c, 1);
      }
      if (i < count) take(i * p.C + c, 0);
      const Vec inverse = load_lanes(affine.statistics.inverse() + c, lanes);
      const Vec sum = load_lanes(grad_weight + c, lanes);
      store_lanes(grad_weight + c, fma(add(weight[0], weight[1]), inverse, sum), lanes);
      store_lanes(grad_bias + c, add(load_lanes(grad_bias + c, lanes), add(bias[0], bias[1])), lanes);
    });
  });
}

// grad_input = scale g + slope (x - mean) + offset: the latter two are what mean and variance depend on x,
// and zero where these are running ones.
void batch_norm_terms(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormTermsParams>(work);
  const float* grad_weight = operand<const float>(work, 0);
  const float* grad_bias = operand<const float>(work, 1);
  const Statistics statistics{operand<float>(work, 2), p.C};
  const float* weight = operand<const float>(work, 3);
  const Terms terms{operand<float>(work, 4), p.C};
  const double count = static_cast<double>(int64_t{work.batch} * p.positions);
  for (int64_t c = begin; c < end; ++c) {
    double weight_sum = 0, bias_sum = 0;
    for (int64_t s = 0; s < work.slices; ++s) {
      weight_sum += static_cast<double>(grad_weight[s * p.slice_stride + c]);
      bias_sum += static_cast<double>(grad_bias[s * p.slice_stride + c]);
    }
    const double inverse = static_cast<double>(statistics.inverse()[c]);
    const double scale = inverse * (weight ? static_cast<double>(weight[c]) : 1.0);
    const double share = p.training ? scale / count : 0.0;
    terms.scale()[c] = static_cast<float>(scale);
    terms.slope()[c] = static_cast<float>(p.training ? -share * inverse * weight_sum : 0.0);
    terms.offset()[c] = static_cast<float>(p.training ? -share * bias_sum : 0.0);
  }
}

void batch_norm_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormParams>(work);
  const Affine affine(work, 2, p.C);
  const Terms terms{operand<float>(work, 5), p.C};
  each_block(begin * p.positions, end * p.positions, p.C, [&](int64_t at, int64_t count) {
    const float* x = operand<const float>(work, 0) + at * p.C;
    const float* grad_output = operand<const float>(work, 1) + at * p.C;
    float* grad_input = operand<float>(work, 6) + at * p.C;
    each_vector(0, p.C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const ChannelAffine channel = affine.at(c, lanes);
      const ChannelTerms own = terms.at(c, lanes);
      for (int64_t i = c; i < c + count * p.C; i += p.C) {
        const Vec distance = sub(load_lanes(x + i, lanes), channel.mean);
        const Vec upstream = load_lanes(grad_output + i, lanes);
        const Vec g = p.relu ? channel.passed(distance, upstream) : upstream;
        store_lanes(grad_input + i, fma(own.scale, g, own.spread(distance)), lanes);
      }
    });
  });
}

// Changes nothing where a loss of this run is not finite.
void batch_norm_update(const Work& work, int64_t, int64_t) {
  const auto& p = params_of<BatchNormUpdateParams>(work);
  const Statistics statistics{operand<float>(work, 0), p.C};
  float* running_mean = operand<float>(work, 1);
  float* running_var = operand<float>(work, 2);
  float* tracked = operand<float>(work, 3);
  const float* losses = operand<const float>(work, 4);
  if (losses && !all_finite(losses, work.batch)) return;
  *tracked += 1.0f;
  const double momentum =
      p.cumulative ? 1.0 / static_cast<double>(*tracked) : static_cast<double>(float_of(p.momentum));
  const auto blend = [&](float& running, float now) {
    running = static_cast<float>((1.0 - momentum) * static_cast<double>(running) +
                                 momentum * static_cast<double>(now));
  };
  for (int64_t c = 0; c < p.C; ++c) {
    blend(running_mean[c], statistics.mean()[c]);
    blend(running_var[c], statistics.unbiased()[c]);
  }
}

// A unit is a row of the weight, [groups][rows][OC / groups]; the first row of a group takes the bias along.
void batch_norm_fold(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormFoldParams>(work);
  const int64_t OC = int64_t{p.groups} * p.OC;
  const float* weight = operand<const float>(work, 0);
  const float* bias = operand<const float>(work, 1);
  const Affine affine(work, 2, OC);
  float* folded = operand<float>(work, 5);
  float* folded_bias = operand<float>(work, 6);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t first = row / p.rows * p.OC;
    each_vector(0, p.OC, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const ChannelAffine channel = affine.at(first + c, lanes);
      const int64_t at = row * p.OC + c;
      store_lanes(folded + at, mul(load_lanes(weight + at, lanes), channel.scale), lanes);
      if (row % p.rows != 0) return;
      const Vec own = bias ? load_lanes(bias + first + c, lanes) : zero();
      store_lanes(folded_bias + first + c, channel.apply(own), lanes);
    });
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
