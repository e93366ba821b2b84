// Batch normalisation, and that of images by themselves.
#pragma once

#include "params.h"

namespace twill {

// clang-format off

// positions: pixels of an image, 1 where it is a vector of C features; relu = 1: one follows
#define TWILL_BATCH_NORM_PARAMS(P) P(C) P(positions) P(relu)
#define TWILL_BATCH_NORM_MOMENTS_PARAMS(P) P(C) P(positions) P(slice_stride) P(eps)  // eps: a float
#define TWILL_BATCH_NORM_RUNNING_PARAMS(P) P(C) P(eps)
// training = 1: mean and variance are the batch's and depend on x
#define TWILL_BATCH_NORM_TERMS_PARAMS(P) P(C) P(positions) P(slice_stride) P(training)
// count = 1; cumulative = 1: all batches weigh the same, and momentum (a float) is not looked at
#define TWILL_BATCH_NORM_UPDATE_PARAMS(P) P(count) P(C) P(momentum) P(cumulative)
// OC of one group; count = groups * rows
#define TWILL_BATCH_NORM_FOLD_PARAMS(P) P(count) P(groups) P(rows) P(OC)
// windows as those of a pooled convolution; PH = H / pool_h, PW = W / pool_w
#define TWILL_BATCH_NORM_POOL_PARAMS(P) P(C) P(H) P(W) P(relu) P(pool_h) P(pool_w) P(PH) P(PW)
// positions as above; an image's C channels are normalised in `groups` parts; eps: a float
#define TWILL_GROUP_NORM_PARAMS(P) P(C) P(positions) P(groups) P(eps)

// clang-format on

TWILL_PARAMS_STRUCT(BatchNormParams, TWILL_BATCH_NORM_PARAMS)
TWILL_PARAMS_STRUCT(BatchNormMomentsParams, TWILL_BATCH_NORM_MOMENTS_PARAMS)
TWILL_PARAMS_STRUCT(BatchNormRunningParams, TWILL_BATCH_NORM_RUNNING_PARAMS)
TWILL_PARAMS_STRUCT(BatchNormTermsParams, TWILL_BATCH_NORM_TERMS_PARAMS)
TWILL_PARAMS_STRUCT(BatchNormUpdateParams, TWILL_BATCH_NORM_UPDATE_PARAMS)
TWILL_PARAMS_STRUCT(BatchNormFoldParams, TWILL_BATCH_NORM_FOLD_PARAMS)
TWILL_PARAMS_STRUCT(BatchNormPoolParams, TWILL_BATCH_NORM_POOL_PARAMS)
TWILL_PARAMS_STRUCT(GroupNormParams, TWILL_GROUP_NORM_PARAMS)

}  // namespace twill
