// Channels of one tensor to channels of another: the pieces of a concatenation, and its gradient.
#include "elementwise.h"
#include "kernel.h"
#include "params_spatial.h"

namespace twill {
namespace TWILL_ISA {

void copy_channels(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<CopyChannelsParams>(work);
  const float* x = operand<const float>(work, 0) + p.from;
  float* y = operand<float>(work, 1) + p.to;
  for (int64_t at = begin * p.positions; at < end * p.positions; ++at) {
    copy_floats(y + at * p.target_C, x + at * p.source_C, p.C);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
