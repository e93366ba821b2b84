// Softmax over the channels of a position, which lie side by side; log-softmax likewise. Exponentials go a
// vector at a time, sums in an order of their own (row_sum.h).
#include "../simd/math.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_layers.h"
#include "row_sum.h"
#include "transcendental.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// In every lane. NaN may be passed over: it makes the sum NaN.
Vec largest_of(const float* x, int64_t count) {
  if (count < kWidth) {
    float largest = x[0];
    for (int64_t i = 1; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
    return broadcast(largest);
  }
  Vec most = load(x + count - kWidth);
  for (int64_t i = 0; i + kWidth < count; i += kWidth) most = max(most, load(x + i));
  return fold_lanes(most, [](Vec a, Vec b) TWILL_INLINE_LAMBDA { return max(a, b); });
}

}  // namespace

void softmax_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<SoftmaxParams>(work);
  for (int64_t row = begin * p.positions; row < end * p.positions; ++row) {
    const float* x = operand<const float>(work, 0) + row * p.C;
    float* y = operand<float>(work, 1) + row * p.C;
    const Vec largest = largest_of(x, p.C);
    each_lanes(0, p.C, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
      store_lanes(y + i, exp_of_negative(sub(load_lanes(x + i, lanes), largest)), lanes);
    });
    const Vec sum =
        sum_of_terms(p.C, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA { return load_lanes(y + i, lanes); });
    const Vec norm =
        p.log ? broadcast(static_cast<float>(logarithm(static_cast<double>(first_lane(sum))))) : sum;
    each_lanes(0, p.C, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
      const Vec result =
          p.log ? sub(sub(load_lanes(x + i, lanes), largest), norm) : div(load_lanes(y + i, lanes), norm);
      store_lanes(y + i, result, lanes);
    });
  }
}

// (g - sum of g y) y; of logarithms g - e^y times the sum of g.
void softmax_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<SoftmaxParams>(work);
  for (int64_t row = begin * p.positions; row < end * p.positions; ++row) {
    const float* y = operand<const float>(work, 0) + row * p.C;
    const float* grad_output = operand<const float>(work, 1) + row * p.C;
    float* grad_input = operand<float>(work, 2) + row * p.C;
    const Vec sum = sum_of_terms(p.C, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
      const Vec gradient = load_lanes(grad_output + i, lanes);
      return p.log ? gradient : mul(gradient, load_lanes(y + i, lanes));
    });
    each_lanes(0, p.C, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
      const Vec value = load_lanes(y + i, lanes);
      const Vec gradient = load_lanes(grad_output + i, lanes);
      const Vec result =
          p.log ? sub(gradient, mul(exp_of_negative(value), sum)) : mul(sub(gradient, sum), value);
      store_lanes(grad_input + i, result, lanes);
    });
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
