// Activations but for the ReLU: one loop, one vector at a time. They cost 2 (leaky ReLU, Hardtanh) to some 45
// (GELU) operations a vector.
#include "../simd/math.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

enum Activation : int32_t {
  kLeakyRelu,
  kGelu,
  kGeluTanh,
  kSilu,
  kSigmoid,
  kTanh,
  kElu,
  // From here on what is beyond `low` and `high` is a straight line.
  kHardtanh,
  kHardsigmoid,
  kHardswish,
};

struct Numbers {
  Vec slope, low, high;

  TWILL_INLINE explicit Numbers(const ActivationParams& p)
      : slope(broadcast(float_of(p.slope))),
        low(broadcast(float_of(p.low))),
        high(broadcast(float_of(p.high))) {}

  TWILL_INLINE Vec span() const { return sub(high, low); }
};

// GELU by tanh is x times the logistic function of 2 sqrt(2 / pi) (x + 0.044715 x^3).
constexpr float kInner = 1.5957691216f, kCubic = 0.0713548163f;

TWILL_INLINE Vec value_of(int32_t kind, Vec x, const Numbers& numbers) {
  Vec passed;
  switch (kind) {
    case kLeakyRelu:
      return select(gt(x, zero()), x, mul(x, numbers.slope));
    case kGelu:
      return mul(x, Normal(x).probability);
    case kTanh:
      return tanh(x);
    case kElu:
      return select(gt(x, zero()), x, mul(exp_of_negative_less_one(x), numbers.slope));
    case kHardtanh:
    case kHardsigmoid:
    case kHardswish: {
      const Vec clipped = max(numbers.low, min(numbers.high, x));
      if (kind == kHardtanh) return clipped;
      passed = div(sub(clipped, numbers.low), numbers.span());
      break;
    }
    default: {
      const Vec cubic = fma(mul(x, x), broadcast(kCubic), broadcast(kInner));
      passed = Logistic(kind == kGeluTanh ? mul(x, cubic) : x).value;
    }
  }
  return kind == kSigmoid || kind == kHardsigmoid ? passed : mul(x, passed);
}

// Of those that are cut off, at the cuts that of the straight lines.
TWILL_INLINE Vec hard_derivative_of(int32_t kind, Vec x, const Numbers& numbers) {
  const Vec one = broadcast(1.0f);
  Vec within = one, above = zero();
  if (kind == kHardsigmoid) within = div(one, numbers.span());
  if (kind == kHardswish) {
    within = div(sub(add(x, x), numbers.low), numbers.span());
    above = one;
  }
  return select(ge(x, numbers.high), above, select(ge(numbers.low, x), zero(), within));
}

// From y for sigmoid and tanh, from x for the others.
TWILL_INLINE Vec derivative_of(int32_t kind, Vec v, const Numbers& numbers) {
  const Vec one = broadcast(1.0f);
  if (kind >= kHardtanh) return hard_derivative_of(kind, v, numbers);
  switch (kind) {
    case kLeakyRelu:
      return select(gt(v, zero()), one, numbers.slope);
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
  if (kind == kElu) return select(gt(v, zero()), one, mul(logistic.e, numbers.slope));
  return fma(outer, logistic.slope, logistic.value);
}

}  // namespace

void activation_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ActivationParams>(work);
  const Numbers numbers(p);
  const float* x = operand<const float>(work, 0);
  float* y = operand<float>(work, 1);
  each_lanes(begin * p.size, end * p.size, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    store_lanes(y + i, value_of(p.kind, load_lanes(x + i, lanes), numbers), lanes);
  });
}

void activation_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ActivationParams>(work);
  const Numbers numbers(p);
  const float* value = operand<const float>(work, 0);
  const float* grad_output = operand<const float>(work, 1);
  float* grad_input = operand<float>(work, 2);
  each_lanes(begin * p.size, end * p.size, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    const Vec derivative = derivative_of(p.kind, load_lanes(value + i, lanes), numbers);
    const Vec gradient = mul(load_lanes(grad_output + i, lanes), derivative);
    // What is cut off has none, be what comes infinite.
    const Mask cut = eq(derivative, zero());
    store_lanes(grad_input + i, p.kind >= kHardtanh ? select(cut, zero(), gradient) : gradient, lanes);
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
