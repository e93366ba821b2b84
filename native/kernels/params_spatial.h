// Layers that move values between places and channels: average pools, padding, concatenation, biases.
#pragma once

#include "params.h"

namespace twill {

// clang-format off

// adaptive = 1: OH x OW windows share out the image, whatever KH to divisor say; else those are the windows,
// padded = 1: zeros around the image count, divisor > 0: windows are divided by it whatever counts
#define TWILL_AVG_POOL2D_PARAMS(P)                               \
  P(C) P(IH) P(IW) P(OH) P(OW) P(KH) P(KW)                       \
  P(stride_h) P(stride_w) P(pad_h) P(pad_w) P(adaptive) P(padded) P(divisor)
// C channels from place `from` of source_C on to place `to` of target_C
#define TWILL_COPY_CHANNELS_PARAMS(P) P(C) P(positions) P(source_C) P(from) P(target_C) P(to)
// top, left: rows and columns before the image, negative where it is cropped; mode 0: value (a float), 1: mirrored
// at the outermost pixels, 2: these again
#define TWILL_PAD2D_PARAMS(P) P(C) P(IH) P(IW) P(OH) P(OW) P(top) P(left) P(mode) P(value)
#define TWILL_BIAS_PARAMS(P) P(C) P(positions) P(relu)

// clang-format on

TWILL_PARAMS_STRUCT(AvgPool2dParams, TWILL_AVG_POOL2D_PARAMS)
TWILL_PARAMS_STRUCT(CopyChannelsParams, TWILL_COPY_CHANNELS_PARAMS)
TWILL_PARAMS_STRUCT(Pad2dParams, TWILL_PAD2D_PARAMS)
TWILL_PARAMS_STRUCT(BiasParams, TWILL_BIAS_PARAMS)

}  // namespace twill
