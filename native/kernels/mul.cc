// Products of images with as many values as they have channels, the same at every position: gates. A tensor
// times another of its shape is one of as many channels as it has values, at one position.
#include "elementwise.h"
#include "kernel.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

void mul_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<MulParams>(work);
  const int64_t C = p.C;
  for (int64_t at = begin * p.positions; at < end * p.positions; ++at) {
    const float* x = operand<const float>(work, 0) + at * C;
    const float* gate = operand<const float>(work, 1) + at / p.positions * C;
    float* y = operand<float>(work, 2) + at * C;
    each_lanes(0, C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      store_lanes(y + c, mul(load_lanes(x + c, lanes), load_lanes(gate + c, lanes)), lanes);
    });
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
