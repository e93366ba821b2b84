// Convolutions, with and without a pool.
#pragma once

#include "params.h"

namespace twill {

// clang-format off

// N C H W, OC IC KH KW OH OW as everywhere. Sizes of one image; the batch is the run's.
#define TWILL_CONV2D_PARAMS(P)                                   \
  P(IC) P(IH) P(IW) P(OC) P(OH) P(OW) P(KH) P(KW)                \
  P(stride_h) P(stride_w) P(pad_h) P(pad_w) P(dilation_h) P(dilation_w) P(groups) P(relu)
// pool_h x pool_w windows that do not overlap (stride = kernel), cut off at the right and lower edge (floor
// mode); PH = OH / pool_h, PW = OW / pool_w; pool_h * pool_w <= 254.
#define TWILL_CONV2D_POOL_PARAMS(P) TWILL_CONV2D_PARAMS(P) P(pool_h) P(pool_w) P(PH) P(PW)

// count = channels that are summed over, lanes = those that come out; adjoint = 1: of the input's gradient
#define TWILL_WINOGRAD_WEIGHT_PARAMS(P) P(count) P(lanes) P(adjoint)

// clang-format on

// Taps that depthwise kernels have room for (src/ops/conv2d_kernels.ts).
constexpr int32_t kDepthwiseTaps = 128;
// Input channels that minimal filtering has room for.
constexpr int32_t kWinogradChannels = 1792;

TWILL_PARAMS_STRUCT(Conv2dParams, TWILL_CONV2D_PARAMS)
TWILL_PARAMS_STRUCT(Conv2dPoolParams, TWILL_CONV2D_POOL_PARAMS)
TWILL_PARAMS_STRUCT(WinogradWeightParams, TWILL_WINOGRAD_WEIGHT_PARAMS)

}  // namespace twill
