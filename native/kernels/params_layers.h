// Images, element-wise layers, linear layers and losses.
#pragma once

#include "params.h"

namespace twill {

// clang-format off

// u8 = 1: bytes, scaled by 1/255
#define TWILL_IMAGE_PARAMS(P) P(C) P(H) P(W) P(u8)
// size: floats an image
#define TWILL_MAP_PARAMS(P) P(size)
#define TWILL_ADD_PARAMS(P) P(size) P(relu)
// kind: an Activation (activation.cc); slope: a float, the leaky ReLU's
#define TWILL_ACTIVATION_PARAMS(P) P(size) P(kind) P(slope)
#define TWILL_LINEAR_PARAMS(P) P(IN) P(OUT)
// sum = 1: the gradient is of the batch's sum, not of its mean
#define TWILL_CROSS_ENTROPY_PARAMS(P) P(classes) P(sum)

// clang-format on

TWILL_PARAMS_STRUCT(ImageParams, TWILL_IMAGE_PARAMS)
TWILL_PARAMS_STRUCT(MapParams, TWILL_MAP_PARAMS)
TWILL_PARAMS_STRUCT(AddParams, TWILL_ADD_PARAMS)
TWILL_PARAMS_STRUCT(ActivationParams, TWILL_ACTIVATION_PARAMS)
TWILL_PARAMS_STRUCT(LinearParams, TWILL_LINEAR_PARAMS)
TWILL_PARAMS_STRUCT(CrossEntropyParams, TWILL_CROSS_ENTROPY_PARAMS)

}  // namespace twill
