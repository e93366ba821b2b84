// What the forward convolution and its dense input gradient have in common: every output pixel is a sum over
// taps and channels of the input, with the output's channels in the vector lanes.
//
// Each sum starts from the bias and runs over tap rows, tap columns, channels, in this order, at every vector
// width and in every block shape. So a value depends neither on the instruction set (FMA given) nor on its
// neighbours.
#pragma once

#include <cstdint>

#include "../simd/simd.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {

// One dimension: output `i` reads the inputs origin + i * stride + tap * step, tap = 0..taps-1, which lie in
// [0, size). stride and step are positive; origin may be negative (padding).
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

// Output channels that are computed side by side. `weight` is that of the first tap and channel summed, at
// the first lane.
struct Lanes {
  const float* weight;
  int32_t count;
  int32_t x_channel, y_channel;  // the first channel summed and the first lane, in their pixels
  bool planar = false;           // so few that the vectors' lanes had better be pixels
};

// A rectangle of output pixels and where it goes: y is at (row, col) and the first lane.
struct Target {
  int32_t row, rows, col, cols;
  float* y;
  int64_t y_row, y_col;
  bool relu;
};

// x is the whole image; bias (or null) is at the first lane.
void correlate(const Correlation& c, const Lanes& lanes, const float* x, const float* bias,
               const Target& target);
void correlate_planar(const Correlation& c, const Lanes& lanes, const float* x, const float* bias,
                      const Target& target);

// Whether so many output channels are computed faster with pixels in the vectors' lanes; `shared`: a block of
// their own would be that of a whole vector beside them.
bool prefers_planar(const Correlation& c, int lanes, bool shared);

namespace {

inline int div_up(int a, int b) { return (a + b - 1) / b; }

constexpr int kLaneVectors = 2;

// body(lanes) for all output channels, in blocks of two vectors, one, or a part of one (of two, where masks
// are free: a broadcast input then serves both).
template <typename Body>
inline void for_lanes(const Correlation& c, const float* weight, const Body& body) {
  using simd::kWidth;
  const int rest = c.lanes % kWidth;
  const bool planar =
      rest > 0 && prefers_planar(c, rest, simd::kMasksAreFree && c.lanes % (2 * kWidth) > kWidth);
  for (int group = 0; group < c.groups; ++group)
    for (int lane = 0, count; lane < c.lanes; lane += count) {
      count = c.lanes - lane;
      if (count > kLaneVectors * kWidth) count = kLaneVectors * kWidth;
      if (count > kWidth && (planar || !simd::kMasksAreFree)) count -= count % kWidth;
      const float* lane_weight = weight + group * c.w_group + lane;
      body(Lanes{lane_weight, count, group * c.channels, group * c.lanes + lane, planar && count == rest});
    }
}

struct Range {
  int begin, end;
};

// The taps that meet [0, size) where tap 0 is at `position`.
inline Range taps_inside(const Axis& axis, int position) {
  int begin = 0, end = axis.taps;
  while (begin < end && position + begin * axis.step < 0) ++begin;
  while (begin < end && position + (end - 1) * axis.step >= axis.size) --end;
  return {begin, end};
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
