// The weights' gradient through a pool of few places over few input channels: vector lanes are output
// channels, and each looks up the input under its own survivor.
#pragma once

#include <cstdint>

#include "params.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {

// Whether that is the cheaper way, by the shapes alone.
bool prefers_lookup(const Conv2dPoolParams& p);

// Adds `images` images to grad_weight, [G][OC/G][KH][KW][IC/G].
void add_by_lookup(const Conv2dPoolParams& p, const float* x, const float* grad_output, const uint8_t* argmax,
                   int64_t images, float* grad_weight);

}  // namespace TWILL_ISA
}  // namespace twill
