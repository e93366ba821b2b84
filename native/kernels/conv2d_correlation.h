// What the forward convolution and its dense input gradient have in common: every output pixel is a sum over taps and
// channels of the input, with the output's channels in the vector lanes.
//
// Each sum starts from the bias and runs over tap rows, tap columns, channels, in this order, at every vector width
// and in every block shape. So a value depends neither on the instruction set (FMA given) nor on its neighbours.
#pragma once

#include <cstdint>

#include "../simd/simd.h"

namespace twill {
namespace TWILL_ISA {

// One dimension: output `i` reads the inputs origin + i * stride + tap * step, tap = 0..taps-1, which lie in [0, size).
// stride and step are positive; origin may be negative (padding).
struct Axis {
  int32_t count;
  int32_t size;
  int32_t stride;
  int32_t origin;
  int32_t taps;
  int32_t step;
};

// All distances in floats; those of the weights may be negative (flipped taps).
struct Correlation {
  Axis rows, cols;
  int32_t groups;
  int32_t channels;  // summed for each tap, of one group
  int32_t lanes;     // channels that come out, of one group
  int64_t x_row, x_col;
  int64_t w_row, w_col, w_channel, w_group;
};

template <typename Params>
static inline Correlation forward_correlation(const Params& p) {
  Correlation c;
  c.rows = {p.OH, p.IH, p.stride_h, -p.pad_h, p.KH, p.dilation_h};
  c.cols = {p.OW, p.IW, p.stride_w, -p.pad_w, p.KW, p.dilation_w};
  c.groups = p.groups;
  c.channels = p.IC / p.groups;
  c.lanes = p.OC / p.groups;
  c.x_col = p.IC;
  c.x_row = c.x_col * p.IW;
  c.w_channel = c.lanes;
  c.w_col = c.w_channel * c.channels;
  c.w_row = c.w_col * p.KW;
  c.w_group = c.w_row * p.KH;
  return c;
}

// Output channels that are computed side by side, two vectors at most.
struct Lanes {
  const float* weight;  // of the first tap and channel summed, at the first lane
  int64_t w_row, w_col, w_channel;
  bool depthwise;  // lane i of a weight meets channel i of the input, instead of every lane each channel
  int32_t count;
  int32_t x_channel, y_channel;  // the first one's place in a pixel
};

// Columns [col, col + cols) of output row `row`. `x` is the image, `bias` (or null) is at the first lane, and `y` is
// at (row, col) and the first lane, its pixels y_col floats apart.
void correlate_row(const Correlation& correlation, const Lanes& lanes, const float* x, const float* bias, int row, int col,
                   int cols, float* y, int64_t y_col, bool relu);

namespace {

constexpr int kLaneVectors = 2;
constexpr int kDepthwiseTaps = 128;

// Depthwise weights lie channel by channel; vectors want them tap by tap.
inline void gather_taps(const Correlation& c, const float* weight, int channels, float* gathered) {
  for (int kh = 0; kh < c.rows.taps; ++kh)
    for (int kw = 0; kw < c.cols.taps; ++kw, gathered += simd::kWidth)
      for (int i = 0; i < channels; ++i) gathered[i] = weight[i * c.w_group + kh * c.w_row + kw * c.w_col];
}

// body(image, lanes) for every image and all output channels, in an order that keeps what is shared in the caches.
template <typename Body>
inline void for_lanes(const Correlation& c, const float* weight, int64_t begin, int64_t end, const Body& body) {
  const bool depthwise = c.groups > 1 && c.channels == 1 && c.lanes == 1;
  if (depthwise && c.rows.taps * c.cols.taps <= kDepthwiseTaps) {
    alignas(64) float gathered[kDepthwiseTaps * simd::kWidth];
    for (int channel = 0; channel < c.groups; channel += simd::kWidth) {
      const int count = c.groups - channel < simd::kWidth ? c.groups - channel : simd::kWidth;
      gather_taps(c, weight + channel * c.w_group, count, gathered);
      const Lanes lanes = {gathered, c.cols.taps * simd::kWidth, simd::kWidth, 0, true, count, channel, channel};
      for (int64_t image = begin; image < end; ++image) body(image, lanes);
    }
    return;
  }
  constexpr int kMost = kLaneVectors * simd::kWidth;
  for (int64_t image = begin; image < end; ++image)
    for (int group = 0; group < c.groups; ++group)
      for (int lane = 0; lane < c.lanes; lane += kMost)
        body(image, Lanes{weight + group * c.w_group + lane, c.w_row, c.w_col, c.w_channel, false,
                          c.lanes - lane < kMost ? c.lanes - lane : kMost, group * c.channels, group * c.lanes + lane});
}

}  // namespace

}  // namespace TWILL_ISA
}  // namespace twill
