// Kernels over the elements of a parameter: packing, reduction of partial sums, update rules.
#include "elementwise.h"
#include "kernel.h"
#include "params_parameters.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

// [G][taps][IC][OC] -> [G][OC][taps][IC]; a unit is one row of the result.
void weight_transpose(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<TransposeParams>(work);
  const int64_t row = int64_t{p.taps} * p.IC;
  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t group = unit / p.OC;
    const float* weight = operand<const float>(work, 0) + group * row * p.OC + unit % p.OC;
    float* weight_t = operand<float>(work, 1) + unit * row;
    for (int64_t i = 0; i < row; ++i) weight_t[i] = weight[i * p.OC];
  }
}

void reduce_partials(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ReduceParams>(work);
  const float* partials = operand<const float>(work, 0);
  float* sum = operand<float>(work, 1);
  each_vector(begin, end, [&](int64_t i, int lanes) {
    Vec total = load_lanes(partials + i, lanes);
    for (int64_t s = 1; s < work.slices; ++s)
      total = add(total, load_lanes(partials + s * p.slice_stride + i, lanes));
    if (p.accumulate) total = add(load_lanes(sum + i, lanes), total);
    store_lanes(sum + i, total, lanes);
  });
}

namespace {

struct Hyper {
  float lr, momentum, dampening, weight_decay, nesterov, first;
};

// torch.optim.SGD, line by line; a term whose factor is zero is left out, so that it cannot make a NaN of an
// infinity.
template <bool kMomentum>
void update(float* parameter, const float* gradient, float* velocity, const Hyper& h, int64_t begin,
            int64_t end) {
  const Vec decay = broadcast(h.weight_decay);
  const Vec momentum = broadcast(h.momentum);
  const Vec damped = broadcast(1.0f - h.dampening);
  const Vec step = broadcast(-h.lr);
  each_vector(begin, end, [&](int64_t i, int lanes) {
    const Vec value = load_lanes(parameter + i, lanes);
    Vec d = load_lanes(gradient + i, lanes);
    if (h.weight_decay != 0) d = fma(decay, value, d);
    if (kMomentum) {
      const Vec v = h.first != 0 ? d : fma(momentum, load_lanes(velocity + i, lanes), mul(damped, d));
      store_lanes(velocity + i, v, lanes);
      d = h.nesterov != 0 ? fma(momentum, v, d) : v;
    }
    store_lanes(parameter + i, fma(step, d, value), lanes);
  });
}

}  // namespace

void sgd_update(const Work& work, int64_t begin, int64_t end) {
  float* parameter = operand<float>(work, 0);
  const float* gradient = operand<const float>(work, 1);
  float* velocity = operand<float>(work, 2);
  const Hyper& hyper = *operand<const Hyper>(work, 3);
  const float* losses = operand<const float>(work, 4);
  if (losses && !all_finite(losses, work.batch)) return;
  if (velocity && hyper.momentum != 0) {
    update<true>(parameter, gradient, velocity, hyper, begin, end);
  } else {
    update<false>(parameter, gradient, velocity, hyper, begin, end);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
