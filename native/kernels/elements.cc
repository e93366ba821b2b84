// Kernels over the elements of a parameter: packing, reduction of partial sums.
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

}  // namespace TWILL_ISA
}  // namespace twill
