// The smooth activations and the leaky ReLU: one loop, one vector at a time. They cost 2 (leaky) to some 45
// (GELU) operations a vector.
#include "../simd/math.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

enum Activation : int32_t { kLeakyRelu, kGelu, kGeluTanh, kSilu, kSigmoid, kTanh };

// GELU by tanh is x times the logistic function of 2 sqrt(2 / pi) (x + 0.044715 x^3).
constexpr float kInner = 1.5957691216f, kCubic = 0.0713548163f;

TWILL_INLINE Vec value_of(int32_t kind, Vec x, Vec slope) {
  switch (kind) {
    case kLeakyRelu:
      return select(gt(x, zero()), x, mul(x, slope));
    case kGelu:
      return mul(x, Normal(x).probability);
    case kTanh:
      return tanh(x);
  }
  const Vec inner = kind == kGeluTanh ? mul(x, fma(mul(x, x), broadcast(kCubic), broadcast(kInner))) : x;
  const Vec passed = Logistic(inner).value;
  return kind == kSigmoid ? passed : mul(x, passed);
}

// From y for sigmoid and tanh, from x for the others.
TWILL_INLINE Vec derivative_of(int32_t kind, Vec v, Vec slope) {
  const Vec one = broadcast(1.0f);
  switch (kind) {
    case kLeakyRelu:
      return select(gt(v, zero()), one, slope);
    case kGelu: {
      const Normal normal(v);
      return fma(v, normal.density, normal.probability);
    }
    case kSigmoid:
      return mul(v, sub(one, v));
    case kTanh:
      return sub(one, mul(v, v));
  }
  Vec inner = v, outer = v;
  if (kind == kGeluTanh) {
    // Beyond 20 all is 0 or 1, and the cube might be infinite.
    const Vec x = max(broadcast(-20.0f), min(broadcast(20.0f), v));
    const Vec square = mul(x, x);
    inner = mul(x, fma(square, broadcast(kCubic), broadcast(kInner)));
    outer = mul(x, fma(square, broadcast(3 * kCubic), broadcast(kInner)));
  }
  const Logistic logistic(inner);
  return fma(outer, logistic.slope, logistic.value);
}

}  // namespace

void activation_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ActivationParams>(work);
  const Vec slope = broadcast(float_of(p.slope));
  const float* x = operand<const float>(work, 0);
  float* y = operand<float>(work, 1);
  each_lanes(begin * p.size, end * p.size, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    store_lanes(y + i, value_of(p.kind, load_lanes(x + i, lanes), slope), lanes);
  });
}

void activation_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ActivationParams>(work);
  const Vec slope = broadcast(float_of(p.slope));
  const float* value = operand<const float>(work, 0);
  const float* grad_output = operand<const float>(work, 1);
  float* grad_input = operand<float>(work, 2);
  each_lanes(begin * p.size, end * p.size, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    const Vec derivative = derivative_of(p.kind, load_lanes(value + i, lanes), slope);
    store_lanes(grad_input + i, mul(load_lanes(grad_output + i, lanes), derivative), lanes);
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
