// Losses. sum = 1: the gradient is of the batch's sum, not of its mean.
#pragma once

#include "params.h"

namespace twill {

// clang-format off

// count = 1; ignore: the label of images that do not count
#define TWILL_CROSS_ENTROPY_TOTAL_PARAMS(P) P(count) P(classes) P(ignore)
// smoothing: a float; normalised = 1: the scores are logarithms of probabilities
#define TWILL_CROSS_ENTROPY_PARAMS(P) P(classes) P(sum) P(ignore) P(smoothing) P(normalised)
// kind: a ValueLoss (value_loss.cc); C: values that have a weight each
#define TWILL_VALUE_LOSS_PARAMS(P) P(kind) P(C) P(positions) P(sum)

// clang-format on

TWILL_PARAMS_STRUCT(CrossEntropyTotalParams, TWILL_CROSS_ENTROPY_TOTAL_PARAMS)
TWILL_PARAMS_STRUCT(CrossEntropyParams, TWILL_CROSS_ENTROPY_PARAMS)
TWILL_PARAMS_STRUCT(ValueLossParams, TWILL_VALUE_LOSS_PARAMS)

}  // namespace twill
