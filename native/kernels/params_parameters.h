// What goes over the elements of parameters, and the benches' kernels.
#pragma once

#include "params.h"

namespace twill {

// clang-format off

// IC and OC of one group; count = groups * OC
#define TWILL_TRANSPOSE_PARAMS(P) P(count) P(groups) P(taps) P(IC) P(OC)
// slice_stride: floats between partials; accumulate = 1: sum +=
#define TWILL_REDUCE_PARAMS(P) P(count) P(slice_stride) P(accumulate)
#define TWILL_UPDATE_PARAMS(P) P(count)
// count = pieces of kSquaresPiece in `gradients`, the last one may be shorter
#define TWILL_GRADIENT_SQUARES_PARAMS(P) P(count) P(gradients)
// pieces: how many sums of squares there are
#define TWILL_CLIP_PARAMS(P) P(count) P(pieces)
#define TWILL_PEAK_FMA_PARAMS(P) P(count) P(rounds)  // rounds of 384 multiply-adds a unit, at most 2^20
#define TWILL_PEAK_COPY_PARAMS(P) P(count)

// clang-format on

TWILL_PARAMS_STRUCT(TransposeParams, TWILL_TRANSPOSE_PARAMS)
TWILL_PARAMS_STRUCT(ReduceParams, TWILL_REDUCE_PARAMS)
TWILL_PARAMS_STRUCT(UpdateParams, TWILL_UPDATE_PARAMS)
TWILL_PARAMS_STRUCT(GradientSquaresParams, TWILL_GRADIENT_SQUARES_PARAMS)
TWILL_PARAMS_STRUCT(ClipParams, TWILL_CLIP_PARAMS)
TWILL_PARAMS_STRUCT(PeakFmaParams, TWILL_PEAK_FMA_PARAMS)
TWILL_PARAMS_STRUCT(PeakCopyParams, TWILL_PEAK_COPY_PARAMS)

// Gradients whose squares are added up in one piece: in a fixed order, whoever does it.
constexpr int64_t kSquaresPiece = 2048;

}  // namespace twill
