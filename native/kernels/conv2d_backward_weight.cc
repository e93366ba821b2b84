// conv2d_backward_weight: the gradient of a convolution's weights and bias, any kernel, stride, padding,
// dilation, groups.
//
// For each tap, the outer products of the input under it and the gradient, summed over the positions
// (outer.h): vector lanes are output channels, the input's channels are broadcast. Taps on padding are left
// out. Every sum is one chain over images, rows and columns of positions, however the work is cut.
#include "../simd/simd.h"
#include "conv2d_gradient_outer.h"
#include "conv2d_gradient_patch.h"
#include "elementwise.h"
#include "kernel.h"
#include "params.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

struct Operands {
  const float* x;
  const float* grad_output;
  float* grad_weight;
};

// Input and gradient that stay in L2 while all taps and blocks of channels pass over them.
constexpr int64_t kChunkFloats = 65536;

struct Range {
  int begin, end;
};

// The positions in [from, to) whose tap, at `offset` from the position's first pixel, lies within [0, size).
Range inside(int offset, int size, int stride, int from, int to) {
  const int begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const int end = size > offset ? (size - offset + stride - 1) / stride : 0;
  return {begin > from ? begin : from, end < to ? end : to};
}

// All taps for output rows [from, to) of some images.
void add_chunk(const Conv2dParams& p, const Operands& o, int images, int from, int to) {
  const int ICG = p.IC / p.groups;
  const int OCG = p.OC / p.groups;
  const int64_t x_row = int64_t{p.IW} * p.IC;
  const int64_t g_row = int64_t{p.OW} * p.OC;
  for (int group = 0; group < p.groups; ++group) {
    for (int oc = 0; oc < OCG; oc += 2 * kWidth) {
      const int lanes = OCG - oc < 2 * kWidth ? OCG - oc : 2 * kWidth;
      float* target = o.grad_weight + int64_t{group} * p.KH * p.KW * ICG * OCG + oc;
      for (int kh = 0; kh < p.KH; ++kh) {
        const int top = kh * p.dilation_h - p.pad_h;
        const Range rows = inside(top, p.IH, p.stride_h, from, to);
        for (int kw = 0; kw < p.KW; ++kw, target += ICG * OCG) {
          const int left = kw * p.dilation_w - p.pad_w;
          const Range cols = inside(left, p.IW, p.stride_w, 0, p.OW);
          if (rows.begin >= rows.end || cols.begin >= cols.end) continue;
          const int ih = rows.begin * p.stride_h + top;
          const int iw = cols.begin * p.stride_w + left;
          const Walk x{o.x + ih * x_row + int64_t{iw} * p.IC + group * ICG, p.IH * x_row, p.stride_h * x_row,
                       int64_t{p.stride_w} * p.IC};
          const Walk g{o.grad_output + rows.begin * g_row + int64_t{cols.begin} * p.OC + group * OCG + oc,
                       p.OH * g_row, g_row, p.OC};
          add_outer_products({images, rows.end - rows.begin, cols.end - cols.begin}, {x, 1, ICG, 0}, g, lanes,
                             {target, 0, OCG});
        }
      }
    }
  }
}

void add_images(const Conv2dParams& p, const Operands& o, int images) {
  const int64_t x_image = int64_t{p.IH} * p.IW * p.IC;
  const int64_t g_image = int64_t{p.OH} * p.OW * p.OC;
  const int64_t fit = kChunkFloats / (x_image + g_image);
  if (fit > 0) {
    const int most = fit < images ? static_cast<int>(fit) : images;
    for (int n = 0; n < images; n += most) {
      add_chunk(p, {o.x + n * x_image, o.grad_output + n * g_image, o.grad_weight},
                images - n < most ? images - n : most, 0, p.OH);
    }
    return;
  }
  const int64_t rows = kChunkFloats / (int64_t{p.stride_h} * p.IW * p.IC + int64_t{p.OW} * p.OC);
  const int most = rows > 0 ? static_cast<int>(rows < p.OH ? rows : p.OH) : 1;
  for (int n = 0; n < images; ++n) {
    for (int row = 0; row < p.OH; row += most) {
      add_chunk(p, {o.x + n * x_image, o.grad_output + n * g_image, o.grad_weight}, 1, row,
                row + most < p.OH ? row + most : p.OH);
    }
  }
}

void add_bias(const float* grad_output, int64_t positions, int channels, float* grad_bias) {
  constexpr int kVectors = 4;  // chains side by side, as each waits for its last addition
  int oc = 0;
  for (; oc + kVectors * kWidth <= channels; oc += kVectors * kWidth) {
    Vec sum[kVectors];
    for (int v = 0; v < kVectors; ++v) sum[v] = load(grad_bias + oc + v * kWidth);
    const float* g = grad_output + oc;
    for (int64_t i = 0; i < positions; ++i, g += channels) {
      for (int v = 0; v < kVectors; ++v) sum[v] = add(sum[v], load(g + v * kWidth));
    }
    for (int v = 0; v < kVectors; ++v) store(grad_bias + oc + v * kWidth, sum[v]);
  }
  each_vector(oc, channels, [&](int64_t channel, int lanes) {
    Vec sum = load_lanes(grad_bias + channel, lanes);
    const float* g = grad_output + channel;
    for (int64_t i = 0; i < positions; ++i, g += channels) sum = add(sum, load_lanes(g, lanes));
    store_lanes(grad_bias + channel, sum, lanes);
  });
}

}  // namespace

void conv2d_backward_weight(const Work& work, int64_t begin, int64_t end) {
  const Conv2dParams& p = params_of<Conv2dParams>(work);
  float* grad_weight = operand<float>(work, 2);
  float* grad_bias = operand<float>(work, 3);
  const Operands o{operand<const float>(work, 0) + begin * p.IH * p.IW * p.IC,
                   operand<const float>(work, 1) + begin * p.OH * p.OW * p.OC, grad_weight};
  if (work.first) {
    zero_floats(grad_weight, int64_t{p.KH} * p.KW * (p.IC / p.groups) * p.OC);
    if (grad_bias) zero_floats(grad_bias, p.OC);
  }
  const int images = static_cast<int>(end - begin);
  if (grad_bias) add_bias(o.grad_output, int64_t{images} * p.OH * p.OW, p.OC, grad_bias);
  add_images(p, o, images);
}

}  // namespace TWILL_ISA
}  // namespace twill
