// The gradient of a convolution by its input.
#include "conv2d_adjoint.h"
#include "kernel.h"

namespace twill {
namespace TWILL_ISA {

void conv2d_backward_input(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<Conv2dParams>(work);
  const float* grad_output = operand<const float>(work, 0);
  const int64_t x_image = int64_t{p.IH} * p.IW * p.IC;

  for_phases(p, operand<const float>(work, 1), operand<float>(work, 2),
             [&](const Correlation& c, const float* weight, Target target) {
               float* const grad_input = target.y;
               for_lanes(c, weight, [&](const Lanes& lanes) {
                 for (int64_t n = begin; n < end; ++n) {
                   target.y = grad_input + n * x_image + lanes.y_channel;
                   correlate(c, lanes, grad_output + n * p.OH * c.x_row, nullptr, target);
                 }
               });
             });
}

}  // namespace TWILL_ISA
}  // namespace twill
