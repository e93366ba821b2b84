// A bias on its own, for what does not add one itself.
#include "elementwise.h"
#include "kernel.h"
#include "params_spatial.h"
#include "sums.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

void bias_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BiasParams>(work);
  const float* bias = operand<const float>(work, 0);
  float* y = operand<float>(work, 1);
  const auto take = [&](float* target, Vec own, int lanes) TWILL_INLINE_LAMBDA {
    const Vec sum = add(load_lanes(target, lanes), own);
    store_lanes(target, p.relu ? relu(sum) : sum, lanes);
  };
  const int64_t first = begin * p.positions, last = end * p.positions;
  if (p.C == 1) {
    const Vec own = broadcast(*bias);
    each_vector(first, last, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA { take(y + i, own, lanes); });
    return;
  }
  for (int64_t at = first; at < last; ++at) {
    each_lanes(p.C, [&](int64_t c, int lanes)
                        TWILL_INLINE_LAMBDA { take(y + at * p.C + c, load_lanes(bias + c, lanes), lanes); });
  }
}

void bias_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BiasParams>(work);
  float* grad_bias = operand<float>(work, 1);
  if (work.first) zero_floats(grad_bias, p.C);
  each_block(begin * p.positions, end * p.positions, p.C, [&](int64_t at, int64_t count) {
    const float* block = operand<const float>(work, 0) + at * p.C;
    each_lanes(p.C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const auto term = [&](int64_t i) TWILL_INLINE_LAMBDA { return load_lanes(block + i * p.C + c, lanes); };
      store_lanes(grad_bias + c, add(load_lanes(grad_bias + c, lanes), sum_of(count, term)), lanes);
    });
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
