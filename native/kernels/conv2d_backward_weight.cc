// conv2d_backward_weight: the gradient of a convolution's weights and bias, any kernel, stride, padding,
// dilation, groups.
//
// For each tap, the outer products of the input under it and the gradient, summed over the positions
// (outer_products.h): vector lanes are output channels, the input's channels are broadcast. Taps on
// padding are left out. With fewer input channels than make a block, that of whole rows of taps is broadcast
// instead, from a copy with its padding. Every sum is one chain over images, rows and columns of positions,
// however the work is cut (but for columns of images too wide for a copy).
#include "../simd/simd.h"
#include "../simd/unroll.h"
#include "bias_gradient.h"
#include "conv2d_gradient_patch.h"
#include "elementwise.h"
#include "kernel.h"
#include "outer_products.h"
#include "params.h"
#include "params_convolution.h"

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
                             {target, 0, OCG, false});
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

// Input channels that make no block by themselves, or where outputs do not either would leave lanes idle.
bool is_narrow(int ICG, int OCG) { return ICG < 8 || (ICG == 8 && OCG <= 8); }

constexpr PatchLimits kLimits = {5184, 1 << 20};  // 20.7 KB

// The same for few input channels, in tiles of one image.
void add_narrow_image(const Conv2dPoolParams& p, const PatchTiling& t, const Operands& o) {
  alignas(64) float patch[kLimits.floats + kPatchSlack];
  const int ICG = t.channels;
  const int OCG = p.OC / p.groups;
  const int64_t pitch = int64_t{t.cols} * ICG;
  for (int group = 0; group < p.groups; ++group) {
    float* target = o.grad_weight + int64_t{group} * p.KH * p.KW * ICG * OCG;
    each_tile(p, t, [&](int oh, int ow, int height, int width) {
      fill_patch(p, t, o.x + group * ICG, oh, ow, patch);
      const Walk g{o.grad_output + (int64_t{oh} * p.OW + ow) * p.OC + group * OCG, 0, int64_t{p.OW} * p.OC,
                   p.OC};
      // A row of taps is one run of floats unless taps are apart.
      const int runs = p.dilation_w == 1 ? 1 : p.KW;
      const int length = p.KW / runs * ICG;
      for (int run = 0; run < runs; ++run) {
        const Walk x{patch + run * p.dilation_w * ICG, 0, p.stride_h * pitch, int64_t{p.stride_w} * ICG};
        add_outer_products({1, height, width}, {x, p.KH, length, p.dilation_h * pitch}, g, OCG,
                           {target + run * ICG * OCG, int64_t{p.KW} * ICG * OCG, OCG, false});
      }
    });
  }
}

// A convolution is one with a pool of windows of one place, to what cuts images into tiles.
Conv2dPoolParams unpooled(const Conv2dParams& p) {
  Conv2dPoolParams pooled{};
  __builtin_memcpy(&pooled, &p, sizeof p);
  pooled.pool_h = pooled.pool_w = 1;
  pooled.PH = p.OH;
  pooled.PW = p.OW;
  return pooled;
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
  if (grad_bias) {
    const auto gradient = [&](int64_t at, int lanes)
                              TWILL_INLINE_LAMBDA { return load_lanes(o.grad_output + at, lanes); };
    add_bias(int64_t{images} * p.OH * p.OW, p.OC, gradient, grad_bias);
  }

  const Conv2dPoolParams pooled = unpooled(p);
  const int ICG = p.IC / p.groups;
  PatchTiling t{};
  if (is_narrow(ICG, p.OC / p.groups) && tile_image(pooled, ICG, kLimits, &t)) {
    const int64_t x_image = int64_t{p.IH} * p.IW * p.IC;
    const int64_t g_image = int64_t{p.OH} * p.OW * p.OC;
    for (int n = 0; n < images; ++n) {
      add_narrow_image(pooled, t, {o.x + n * x_image, o.grad_output + n * g_image, grad_weight});
    }
  } else {
    add_images(p, o, images);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
