// The parameters of the kernels: plain int32 words, listed once; struct, word count and the names that
// TypeScript packs them by are expanded from the same list.
#pragma once

#include <cstdint>

namespace twill {

// clang-format off

// N C H W, OC IC KH KW OH OW as everywhere. Sizes of one image; the batch is the run's.
#define TWILL_CONV2D_PARAMS(P)                                   \
  P(IC) P(IH) P(IW) P(OC) P(OH) P(OW) P(KH) P(KW)                \
  P(stride_h) P(stride_w) P(pad_h) P(pad_w) P(dilation_h) P(dilation_w) P(groups) P(relu)

// pool_h x pool_w windows that do not overlap (stride = kernel), cut off at the right and lower edge (floor
// mode); PH = OH / pool_h, PW = OW / pool_w; pool_h * pool_w <= 254.
#define TWILL_CONV2D_POOL_PARAMS(P) TWILL_CONV2D_PARAMS(P) P(pool_h) P(pool_w) P(PH) P(PW)

#define TWILL_MAX_POOL2D_PARAMS(P)                               \
  P(C) P(IH) P(IW) P(OH) P(OW) P(KH) P(KW)                       \
  P(stride_h) P(stride_w) P(pad_h) P(pad_w) P(dilation_h) P(dilation_w)

// u8 = 1: bytes, scaled by 1/255
#define TWILL_IMAGE_PARAMS(P) P(C) P(H) P(W) P(u8)
// size: floats an image
#define TWILL_MAP_PARAMS(P) P(size)
#define TWILL_ADD_PARAMS(P) P(size) P(relu)
#define TWILL_LINEAR_PARAMS(P) P(IN) P(OUT)
// sum = 1: the gradient is of the batch's sum, not of its mean
#define TWILL_CROSS_ENTROPY_PARAMS(P) P(classes) P(sum)
// IC and OC of one group; count = groups * OC
#define TWILL_TRANSPOSE_PARAMS(P) P(count) P(groups) P(taps) P(IC) P(OC)
// slice_stride: floats between partials; accumulate = 1: sum +=
#define TWILL_REDUCE_PARAMS(P) P(count) P(slice_stride) P(accumulate)
#define TWILL_SGD_PARAMS(P) P(count)
#define TWILL_PEAK_FMA_PARAMS(P) P(count) P(rounds)  // rounds of 384 multiply-adds a unit, at most 2^20
#define TWILL_PEAK_COPY_PARAMS(P) P(count)

// clang-format on

#define TWILL_FIELD(name) int32_t name;
#define TWILL_FIELD_NAME(name) #name " "
#define TWILL_PARAMS_STRUCT(Name, LIST)                                        \
  struct Name {                                                                \
    LIST(TWILL_FIELD)                                                          \
    static constexpr const char* names() { return LIST(TWILL_FIELD_NAME) ""; } \
  };

TWILL_PARAMS_STRUCT(Conv2dParams, TWILL_CONV2D_PARAMS)
TWILL_PARAMS_STRUCT(Conv2dPoolParams, TWILL_CONV2D_POOL_PARAMS)
TWILL_PARAMS_STRUCT(MaxPool2dParams, TWILL_MAX_POOL2D_PARAMS)
TWILL_PARAMS_STRUCT(ImageParams, TWILL_IMAGE_PARAMS)
TWILL_PARAMS_STRUCT(MapParams, TWILL_MAP_PARAMS)
TWILL_PARAMS_STRUCT(AddParams, TWILL_ADD_PARAMS)
TWILL_PARAMS_STRUCT(LinearParams, TWILL_LINEAR_PARAMS)
TWILL_PARAMS_STRUCT(CrossEntropyParams, TWILL_CROSS_ENTROPY_PARAMS)
TWILL_PARAMS_STRUCT(TransposeParams, TWILL_TRANSPOSE_PARAMS)
TWILL_PARAMS_STRUCT(ReduceParams, TWILL_REDUCE_PARAMS)
TWILL_PARAMS_STRUCT(SgdParams, TWILL_SGD_PARAMS)
TWILL_PARAMS_STRUCT(PeakFmaParams, TWILL_PEAK_FMA_PARAMS)
TWILL_PARAMS_STRUCT(PeakCopyParams, TWILL_PEAK_COPY_PARAMS)

#undef TWILL_FIELD
#undef TWILL_FIELD_NAME
#undef TWILL_PARAMS_STRUCT

}  // namespace twill
