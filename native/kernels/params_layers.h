// Images, element-wise layers, softmax and linear layers.
#pragma once

#include "params.h"

namespace twill {

// clang-format off

// u8 = 1: bytes, scaled by 1/255
#define TWILL_IMAGE_PARAMS(P) P(C) P(H) P(W) P(u8) P(flush)
// size: floats an image
#define TWILL_MAP_PARAMS(P) P(size)
#define TWILL_ADD_PARAMS(P) P(size) P(relu)
#define TWILL_MUL_PARAMS(P) P(C) P(positions)
// kind: an Activation (activation.cc); floats: slope, the leaky ReLU's and ELU's alpha; low and high, between which a
// Hardtanh, Hardsigmoid and Hardswish is no straight line beyond
#define TWILL_ACTIVATION_PARAMS(P) P(size) P(kind) P(slope) P(low) P(high)
#define TWILL_LINEAR_PARAMS(P) P(IN) P(OUT)
// count: panels of kPanel outputs, for gradients of inputs, times the parts that each is cut into
#define TWILL_LINEAR_PANEL_PARAMS(P) P(count) P(IN) P(OUT)
// accumulate = 1: grad_weight +=
#define TWILL_LINEAR_PANEL_WEIGHT_PARAMS(P) P(count) P(IN) P(OUT) P(accumulate)
// of C values at each position; log = 1: the logarithm of it
#define TWILL_SOFTMAX_PARAMS(P) P(C) P(positions) P(log)
// one draw for each of C values, the same at every position. stream: number of the layer in its network;
// threshold: draws of 32 bits below it are dropped; scale: a float, of the others
#define TWILL_DROPOUT_PARAMS(P) P(C) P(positions) P(stream) P(threshold) P(scale)

// clang-format on

TWILL_PARAMS_STRUCT(ImageParams, TWILL_IMAGE_PARAMS)
TWILL_PARAMS_STRUCT(MapParams, TWILL_MAP_PARAMS)
TWILL_PARAMS_STRUCT(AddParams, TWILL_ADD_PARAMS)
TWILL_PARAMS_STRUCT(MulParams, TWILL_MUL_PARAMS)
TWILL_PARAMS_STRUCT(ActivationParams, TWILL_ACTIVATION_PARAMS)
TWILL_PARAMS_STRUCT(LinearParams, TWILL_LINEAR_PARAMS)
TWILL_PARAMS_STRUCT(LinearPanelParams, TWILL_LINEAR_PANEL_PARAMS)
TWILL_PARAMS_STRUCT(LinearPanelWeightParams, TWILL_LINEAR_PANEL_WEIGHT_PARAMS)
TWILL_PARAMS_STRUCT(SoftmaxParams, TWILL_SOFTMAX_PARAMS)
TWILL_PARAMS_STRUCT(DropoutParams, TWILL_DROPOUT_PARAMS)

// Features that a unit of a linear layer's panels takes: two vectors of AVX-512.
constexpr int64_t kPanel = 32;

}  // namespace twill
