// The weights' gradient through ReLU and max-pool: of each window and channel at most one position has a
// gradient, so a quarter of the dense arithmetic remains after a 2x2 pool, and half of that where ReLU cut
// every other value.
//
// For one output channel, the gradient is the sum over its survivors of gradient * (the image under the
// position), taps and input channels alike: KH rows of KW * IC floats (conv2d_gradient_rows.h). grad_weight
// is transposed, [G][OC/G][KH][KW][IC/G], so that one channel's sums lie side by side. The order of every sum
// is images, tiles of the image, windows by row and column: a matter of shapes alone.
#include "../simd/simd.h"
#include "../simd/unroll.h"
#include "bias_gradient.h"
#include "conv2d_gradient_lookup.h"
#include "conv2d_gradient_patch.h"
#include "conv2d_gradient_rows.h"
#include "conv2d_gradient_survivors.h"
#include "elementwise.h"
#include "kernel.h"
#include "params.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// 20.5 KB, 18 x 18 pixels of 16 channels, leave a third of an L1 of 32 KB to gradients and weights.
constexpr int kPatchFloats = 18 * 18 * 16;
constexpr PatchLimits kLimits = {kPatchFloats, kMaxWindows};

struct Operands {
  const float* x;
  const float* grad_output;
  const uint8_t* argmax;
  float* grad_weight;
};

// What a pass over all images with so many channels at a time costs a survivor, in vectors of 16: its
// multiply-adds, a share of loading and storing the sums (3 each), and 5 for finding it and its loop.
int pass_cost(const Conv2dPoolParams& p, const PatchTiling& t) {
  const int ICG = p.IC / p.groups;
  const bool rows = p.dilation_w == 1 && (t.channels == ICG || t.channels % 16 == 0);
  const int vectors = rows ? (p.KW * t.channels + 15) / 16 : (t.channels + 15) / 16 * p.KW;
  const int64_t sums = int64_t{p.KH} * vectors;
  const int64_t windows = int64_t{t.windows_h} * t.windows_w;
  const int64_t chunks = (ICG + t.channels - 1) / t.channels;
  const int64_t cost = chunks * (sums * 16 + sums * 48 / windows + 80);
  return cost < INT32_MAX ? static_cast<int>(cost) : INT32_MAX;
}

// The cheapest channels at a time: all of a group's or a multiple of 16, less only where a tile holds no
// more.
bool choose_tiling(const Conv2dPoolParams& p, PatchTiling* best) {
  const int ICG = p.IC / p.groups;
  bool found = tile_image(p, ICG, kLimits, best);
  for (int channels = 16; channels < ICG && channels <= 64; channels += 16) {
    PatchTiling t{};
    if (!tile_image(p, channels, kLimits, &t) || (found && pass_cost(p, *best) <= pass_cost(p, t))) continue;
    *best = t;
    found = true;
  }
  for (int channels = 8; !found && channels > 0; channels /= 2) {
    found = channels < ICG && tile_image(p, channels, kLimits, best);
  }
  return found;
}

// One group's gradient, for the input channels from `ic` on that a tile holds.
class Pass {
 public:
  Pass(const Conv2dPoolParams& p, const PatchTiling& t, int group, int ic)
      : p_(p), t_(t), group_(group), ic_(ic), ICG_(p.IC / p.groups) {
    const bool scattered =
        t.channels != ICG_;  // in grad_weight, a tap's channels are not followed by the next tap's
    whole_rows_ = p.dilation_w == 1 && (!scattered || t.channels % kWidth == 0);
    layout_ = {int64_t{p.KW} * ICG_, int64_t{p.dilation_h} * t.cols * t.channels, nullptr};
    if (!scattered || !whole_rows_) return;
    layout_.places = places_;
    for (int i = 0, n = p.KW * t.channels / kWidth; i < n; ++i) {
      places_[i] = i * kWidth / t.channels * ICG_ + i * kWidth % t.channels;
    }
  }

  void add_image(const Operands& image) const {
    alignas(64) float patch[kPatchFloats + kPatchSlack];
    const int OCG = p_.OC / p_.groups;
    each_tile(p_, t_, [&](int ph, int pw, int height, int width) {
      fill_patch(p_, t_, image.x + group_ * ICG_ + ic_, ph, pw, patch);
      const int64_t first = (int64_t{ph} * p_.PW + pw) * p_.OC + group_ * OCG;
      each_channel(p_, t_, image.grad_output + first, image.argmax + first, height, width, OCG,
                   [&](int oc, const Survivor* survivors, int64_t count) {
                     add_channel(patch, image.grad_weight, group_ * OCG + oc, survivors, count);
                   });
    });
  }

 private:
  void add_channel(const float* patch, float* grad_weight, int oc, const Survivor* survivors,
                   int64_t count) const {
    float* target = grad_weight + int64_t{oc} * p_.KH * p_.KW * ICG_ + ic_;
    if (whole_rows_) {
      return accumulate_rows(layout_, p_.KH, p_.KW * t_.channels, target, patch, survivors, count);
    }
    for (int kw = 0; kw < p_.KW; ++kw) {
      accumulate_rows(layout_, p_.KH, t_.channels, target + kw * ICG_,
                      patch + kw * p_.dilation_w * t_.channels, survivors, count);
    }
  }

  const Conv2dPoolParams& p_;
  const PatchTiling t_;
  const int group_, ic_, ICG_;
  bool whole_rows_;  // a row of taps at a time; else a tap
  RowLayout layout_;
  int32_t places_[kPatchFloats / kWidth];
};

// For windows too large for a patch of even one channel: each survivor's taps where they lie, skipping the
// padding.
void add_unpacked(const Conv2dPoolParams& p, const Operands& image) {
  const int ICG = p.IC / p.groups;
  for (int64_t i = 0, n = int64_t{p.PH} * p.PW * p.OC; i < n; ++i) {
    const float gradient = image.grad_output[i];
    const int place = image.argmax[i];
    if (place >= p.pool_h * p.pool_w || gradient == 0.0f) continue;
    const int oc = static_cast<int>(i % p.OC);
    const int64_t top = (i / p.OC / p.PW * p.pool_h + place / p.pool_w) * p.stride_h - p.pad_h;
    const int64_t left = (i / p.OC % p.PW * p.pool_w + place % p.pool_w) * p.stride_w - p.pad_w;
    for (int kh = 0; kh < p.KH; ++kh) {
      const int64_t ih = top + int64_t{kh} * p.dilation_h;
      if (ih < 0 || ih >= p.IH) continue;
      for (int kw = 0; kw < p.KW; ++kw) {
        const int64_t iw = left + int64_t{kw} * p.dilation_w;
        if (iw < 0 || iw >= p.IW) continue;
        const float* pixel = image.x + (ih * p.IW + iw) * p.IC + oc / (p.OC / p.groups) * ICG;
        float* tap = image.grad_weight + ((int64_t{oc} * p.KH + kh) * p.KW + kw) * ICG;
        for (int ic = 0; ic < ICG; ++ic) tap[ic] = fma(gradient, pixel[ic], tap[ic]);
      }
    }
  }
}

}  // namespace

void conv2d_pool_backward_weight(const Work& work, int64_t begin, int64_t end) {
  const Conv2dPoolParams& p = params_of<Conv2dPoolParams>(work);
  const int64_t inputs = int64_t{p.IH} * p.IW * p.IC;
  const int64_t outputs = int64_t{p.PH} * p.PW * p.OC;
  const Operands first{operand<const float>(work, 0) + begin * inputs,
                       operand<const float>(work, 1) + begin * outputs,
                       operand<const uint8_t>(work, 2) + begin * outputs, operand<float>(work, 3)};
  const auto image = [&](int64_t n) {
    return Operands{first.x + n * inputs, first.grad_output + n * outputs, first.argmax + n * outputs,
                    first.grad_weight};
  };
  float* grad_bias = operand<float>(work, 4);
  if (work.first) {
    zero_floats(first.grad_weight, int64_t{p.KH} * p.KW * (p.IC / p.groups) * p.OC);
    if (grad_bias) zero_floats(grad_bias, p.OC);
  }
  if (grad_bias) {
    const Vec places = broadcast(static_cast<float>(p.pool_h * p.pool_w));
    const auto gradient = [&](int64_t at, int lanes) TWILL_INLINE_LAMBDA {
      const uint8_t* bytes = first.argmax + at;
      const Vec place = lanes == kWidth ? load_u8(bytes) : load_u8_partial(bytes, lanes);
      return select(gt(places, place), load_lanes(first.grad_output + at, lanes), zero());
    };
    add_bias((end - begin) * p.PH * p.PW, p.OC, gradient, grad_bias);
  }

  if (prefers_lookup(p)) {
    return add_by_lookup(p, first.x, first.grad_output, first.argmax, end - begin, first.grad_weight);
  }
  PatchTiling tiling{};
  if (!choose_tiling(p, &tiling)) {
    for (int64_t n = 0; n < end - begin; ++n) add_unpacked(p, image(n));
    return;
  }
  const int ICG = p.IC / p.groups;
  for (int group = 0; group < p.groups; ++group) {
    for (int ic = 0; ic < ICG; ic += tiling.channels) {
      PatchTiling t = tiling;
      if (ICG - ic < t.channels) tile_image(p, ICG - ic, kLimits, &t);
      const Pass pass(p, t, group, ic);
      for (int64_t n = 0; n < end - begin; ++n) pass.add_image(image(n));
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
