// Update rules: what becomes of a parameter, given its gradient. Each reads and writes some 12 to 28 bytes a
// float for a handful of operations, once a step, so that nothing is unrolled. A term whose factor is zero is
// left out: it cannot make a NaN of an infinity.
//
// No denormal number is kept: velocities and moments of what gets no gradient any more decay into them, in
// 830 steps with a momentum of 0.9, and would slow down every step from then on.
#include "update.h"

#include "elementwise.h"
#include "kernel.h"
#include "params_parameters.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// Whether this run's losses and the norm of its gradients, where it is known, are such that it may change
// anything.
bool good(const Work& work, int losses_at) {
  const float* losses = operand<const float>(work, losses_at);
  const float* norm = operand<const float>(work, losses_at + 1);
  return (!losses || all_finite(losses, work.batch)) && (!norm || all_finite(norm, 1));
}

// The gradient with the L2 penalty's.
Vec penalised(const float* gradient, Vec value, float weight_decay, int lanes) {
  const Vec g = load_lanes(gradient, lanes);
  return weight_decay != 0 ? fma(broadcast(weight_decay), value, g) : g;
}

// Stores what is kept for the next step, and returns it.
Vec keep(float* target, Vec value, int lanes) {
  const Vec kept = without_denormals(value);
  store_lanes(target, kept, lanes);
  return kept;
}

// rest * average + share * value
Vec averaged(float* average, Vec value, float rest, float share, int lanes) {
  return keep(average, fma(broadcast(rest), load_lanes(average, lanes), mul(broadcast(share), value)), lanes);
}

}  // namespace

// torch.optim.SGD
void sgd_update(const Work& work, int64_t begin, int64_t end) {
  if (!good(work, 4)) return;
  float* parameter = operand<float>(work, 0);
  const float* gradient = operand<const float>(work, 1);
  const auto& h = *operand<const SgdNumbers>(work, 3);
  float* velocity = h.momentum != 0 ? operand<float>(work, 2) : nullptr;
  each_vector(begin, end, [&](int64_t i, int lanes) {
    const Vec value = load_lanes(parameter + i, lanes);
    Vec d = penalised(gradient + i, value, h.weight_decay, lanes);
    if (velocity) {
      Vec v = d;
      if (h.first == 0) {
        const Vec before = load_lanes(velocity + i, lanes);
        v = fma(broadcast(h.momentum), before, mul(broadcast(h.one_minus_dampening), d));
      }
      v = keep(velocity + i, v, lanes);
      d = h.nesterov != 0 ? fma(broadcast(h.momentum), v, d) : v;
    }
    keep(parameter + i, fma(broadcast(-h.lr), d, value), lanes);
  });
}

// torch.optim.Adam and AdamW
void adam_update(const Work& work, int64_t begin, int64_t end) {
  if (!good(work, 6)) return;
  float* parameter = operand<float>(work, 0);
  const float* gradient = operand<const float>(work, 1);
  float* mean = operand<float>(work, 2);
  float* square = operand<float>(work, 3);
  float* largest = operand<float>(work, 4);
  const auto& h = *operand<const AdamNumbers>(work, 5);
  each_lanes(begin, end, [&](int64_t i, int lanes) {
    Vec value = load_lanes(parameter + i, lanes);
    if (h.decay != 0) value = fma(broadcast(-h.decay), value, value);
    const Vec g = penalised(gradient + i, value, h.weight_decay, lanes);
    const Vec m = averaged(mean + i, g, h.beta1, h.one_minus_beta1, lanes);
    Vec v = averaged(square + i, mul(g, g), h.beta2, h.one_minus_beta2, lanes);
    if (largest) {
      v = keep(largest + i, max(v, load_lanes(largest + i, lanes)), lanes);
    }
    const Vec size = fma(sqrt(v), broadcast(h.root), broadcast(h.eps));
    keep(parameter + i, fma(broadcast(-h.step), div(m, size), value), lanes);
  });
}

// torch.optim.RMSprop
void rmsprop_update(const Work& work, int64_t begin, int64_t end) {
  if (!good(work, 6)) return;
  float* parameter = operand<float>(work, 0);
  const float* gradient = operand<const float>(work, 1);
  float* square = operand<float>(work, 2);
  float* mean = operand<float>(work, 3);
  const auto& h = *operand<const RmspropNumbers>(work, 5);
  float* velocity = h.momentum != 0 ? operand<float>(work, 4) : nullptr;
  each_lanes(begin, end, [&](int64_t i, int lanes) {
    const Vec value = load_lanes(parameter + i, lanes);
    const Vec g = penalised(gradient + i, value, h.weight_decay, lanes);
    Vec v = averaged(square + i, mul(g, g), h.alpha, h.one_minus_alpha, lanes);
    if (mean) {
      const Vec m = averaged(mean + i, g, h.alpha, h.one_minus_alpha, lanes);
      v = sub(v, mul(m, m));
    }
    Vec d = div(g, add(sqrt(v), broadcast(h.eps)));
    if (velocity) {
      d = keep(velocity + i, fma(broadcast(h.momentum), load_lanes(velocity + i, lanes), d), lanes);
    }
    keep(parameter + i, fma(broadcast(-h.lr), d, value), lanes);
  });
}

// torch.optim.swa_utils' exponential average of the weights
void average_update(const Work& work, int64_t begin, int64_t end) {
  if (!good(work, 3)) return;
  float* average = operand<float>(work, 0);
  const float* parameter = operand<const float>(work, 1);
  const auto& h = *operand<const AverageNumbers>(work, 2);
  each_vector(begin, end, [&](int64_t i, int lanes) {
    const Vec before = load_lanes(average + i, lanes);
    const Vec value = load_lanes(parameter + i, lanes);
    const Vec after = h.first != 0 ? value : fma(broadcast(h.one_minus_decay), sub(value, before), before);
    keep(average + i, after, lanes);
  });
}

// In double, so that neither the order of the sum nor an instruction set without fused operations shows in a
// float.
void gradient_squares(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<GradientSquaresParams>(work);
  const float* gradient = operand<const float>(work, 0);
  double* squares = operand<double>(work, 1);
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t first = piece * kSquaresPiece;
    const int64_t past = first + kSquaresPiece < p.gradients ? first + kSquaresPiece : p.gradients;
    double sum = 0;
    for (int64_t i = first; i < past; ++i) {
      const double g = static_cast<double>(gradient[i]);
      sum += g * g;
    }
    squares[piece] = sum;
  }
}

// torch.nn.utils.clip_grad_norm_ where there are squares, clip_grad_value_
void clip_gradients(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ClipParams>(work);
  float* gradient = operand<float>(work, 0);
  const double* squares = operand<const double>(work, 1);
  const float* limits = operand<const float>(work, 2);
  float* norm = operand<float>(work, 3);
  float scale = 1;
  if (squares) {
    double sum = 0;
    for (int32_t piece = 0; piece < p.pieces; ++piece) sum += squares[piece];
    const double length = __builtin_sqrt(sum);
    const double wanted = static_cast<double>(limits[0]) / (length + 1e-6);
    if (wanted < 1) scale = static_cast<float>(wanted);
    if (norm && begin == 0) *norm = static_cast<float>(length);
  }
  const Vec low = broadcast(-limits[1]), high = broadcast(limits[1]);
  each_vector(begin, end, [&](int64_t i, int lanes) {
    const Vec g = mul(broadcast(scale), load_lanes(gradient + i, lanes));
    store_lanes(gradient + i, select(is_nan(g), g, min(max(g, low), high)), lanes);
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
