// The gradient of a convolution by its input as correlations: each input pixel sums what the outputs that
// read it send back.
//
// With stride s, the input rows i, i + s, i + 2s, ... are reached by the same taps: those for which i + pad -
// kh * dilation is a multiple of s. Each such phase is a correlation of grad_output at stride 1, with its
// taps flipped.
#pragma once

#include "conv2d_correlation.h"
#include "kernel.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {
namespace {

inline int greatest_common_divisor(int a, int b) { return b ? greatest_common_divisor(b, a % b) : a; }

// Input positions first, first + stride, ...; `tap` is the last that reaches them, and they are `apart` taps
// apart.
struct Phase {
  Axis axis;
  int tap, apart;
};

inline Phase phase_of(int first, int inputs, int outputs, int taps, int stride, int pad, int dilation) {
  const int common = greatest_common_divisor(stride, dilation);
  const int apart = stride / common, step = dilation / common;
  const int count = div_up(inputs - first, stride);
  int tap = 0;
  while (tap < apart && (first + pad - tap * dilation) % stride != 0) ++tap;
  if (tap == apart || tap >= taps) return {{count, outputs, 1, 0, 0, step}, 0, apart};  // none reaches them
  const int reaching = (taps - 1 - tap) / apart + 1;
  tap += (reaching - 1) * apart;
  return {{count, outputs, 1, (first + pad - tap * dilation) / stride, reaching, step}, tap, apart};
}

// body(correlation, weight, target) for each phase: the weight of its first tap, and the phase's first pixel
// of the first image, from which the next are at y_row and y_col. weight_t is [G][OC/G][KH][KW][IC/G].
template <typename Body>
inline void for_phases(const Conv2dParams& p, const float* weight_t, float* grad_input, const Body& body) {
  Correlation c;
  c.groups = p.groups;
  c.channels = p.OC / p.groups;
  c.lanes = p.IC / p.groups;
  c.x_col = p.OC;
  c.x_row = c.x_col * p.OW;
  const int64_t tap = c.lanes, tap_row = tap * p.KW;
  c.w_channel = tap_row * p.KH;
  c.w_group = c.w_channel * c.channels;
  const int64_t row = int64_t{p.IW} * p.IC;

  for (int top = 0; top < p.stride_h && top < p.IH; ++top) {
    const Phase rows = phase_of(top, p.IH, p.OH, p.KH, p.stride_h, p.pad_h, p.dilation_h);
    for (int left = 0; left < p.stride_w && left < p.IW; ++left) {
      const Phase cols = phase_of(left, p.IW, p.OW, p.KW, p.stride_w, p.pad_w, p.dilation_w);
      c.rows = rows.axis;
      c.cols = cols.axis;
      c.w_row = -rows.apart * tap_row;
      c.w_col = -cols.apart * tap;
      body(c, weight_t + rows.tap * tap_row + cols.tap * tap,
           Target{0, c.rows.count, 0, c.cols.count, grad_input + top * row + left * p.IC, p.stride_h * row,
                  int64_t{p.stride_w} * p.IC, false});
    }
  }
}

// conv2d_backward_input and its like: for_blocks(correlation, weight, body) calls body(block) for all
// channels that come out, in blocks that `correlate` takes.
template <typename ForBlocks>
inline void gradient_by_input(const Work& work, int64_t begin, int64_t end, const ForBlocks& for_blocks) {
  const auto& p = params_of<Conv2dParams>(work);
  const float* grad_output = operand<const float>(work, 0);
  const int64_t x_image = int64_t{p.IH} * p.IW * p.IC;
  for_phases(p, operand<const float>(work, 1), operand<float>(work, 2),
             [&](const Correlation& c, const float* weight, Target target) {
               float* const grad_input = target.y;
               for_blocks(c, weight, [&](const auto& block) {
                 for (int64_t n = begin; n < end; ++n) {
                   target.y = grad_input + n * x_image + block.y_channel;
                   correlate(c, block, grad_output + n * p.OH * c.x_row, nullptr, target);
                 }
               });
             });
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
