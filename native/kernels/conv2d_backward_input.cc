// The gradient of a convolution by its input.
#include "conv2d_adjoint.h"

namespace twill {
namespace TWILL_ISA {

void conv2d_backward_input(const Work& work, int64_t begin, int64_t end) {
  gradient_by_input(work, begin, end, [](const Correlation& c, const float* weight, const auto& body) {
    for_lanes(c, weight, body);
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
