// Pools on their own.
#pragma once

#include "params.h"

namespace twill {

// clang-format off

#define TWILL_MAX_POOL2D_PARAMS(P)                               \
  P(C) P(IH) P(IW) P(OH) P(OW) P(KH) P(KW)                       \
  P(stride_h) P(stride_w) P(pad_h) P(pad_w) P(dilation_h) P(dilation_w)

// clang-format on

TWILL_PARAMS_STRUCT(MaxPool2dParams, TWILL_MAX_POOL2D_PARAMS)

}  // namespace twill
