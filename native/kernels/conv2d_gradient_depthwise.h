// The gradient of the weights and bias of a depthwise convolution.
#pragma once

#include <cstdint>

#include "params.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {

// Whether it is one that add_depthwise can do.
bool is_depthwise(const Conv2dParams& p);

// Adds `images` images to grad_weight, [C][KH][KW], and to grad_bias, [C] or null.
void add_depthwise(const Conv2dParams& p, const float* x, const float* grad_output, int64_t images,
                   float* grad_weight, float* grad_bias);

}  // namespace TWILL_ISA
}  // namespace twill
