// conv2d_backward_weight: grad_weight = x correlated with grad_output, and grad_bias = grad_output summed.
#include "../simd/simd.h"
#include "kernel.h"
#include "params.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// target[0..n) += a * v[0..n)
void add_scaled(float* target, float a, const float* v, int n) {
  const simd::Vec scale = simd::broadcast(a);
  int i = 0;
  for (; i + simd::kWidth <= n; i += simd::kWidth) {
    simd::store(target + i, simd::fma(scale, simd::load(v + i), simd::load(target + i)));
  }
  if (i < n) {
    const simd::Vec sum = simd::fma(scale, simd::load_partial(v + i, n - i), simd::load_partial(target + i, n - i));
    simd::store_partial(target + i, sum, n - i);
  }
}

void add_image(const Conv2dParams& p, const float* x, const float* g, float* grad_weight, float* grad_bias) {
  const int ICG = p.IC / p.groups;
  const int OCG = p.OC / p.groups;
  for (int oh = 0; oh < p.OH; ++oh) {
    for (int ow = 0; ow < p.OW; ++ow, g += p.OC) {
      if (grad_bias) add_scaled(grad_bias, 1.0f, g, p.OC);
      for (int group = 0; group < p.groups; ++group) {
        for (int kh = 0; kh < p.KH; ++kh) {
          const int ih = oh * p.stride_h - p.pad_h + kh * p.dilation_h;
          if (ih < 0 || ih >= p.IH) continue;
          for (int kw = 0; kw < p.KW; ++kw) {
            const int iw = ow * p.stride_w - p.pad_w + kw * p.dilation_w;
            if (iw < 0 || iw >= p.IW) continue;
            const float* pixel = x + (int64_t{ih} * p.IW + iw) * p.IC + group * ICG;
            float* tap = grad_weight + ((int64_t{group} * p.KH + kh) * p.KW + kw) * ICG * OCG;
            for (int ic = 0; ic < ICG; ++ic) add_scaled(tap + ic * OCG, pixel[ic], g + group * OCG, OCG);
          }
        }
      }
    }
  }
}

}  // namespace

void conv2d_backward_weight(const Work& work, int64_t begin, int64_t end) {
  const Conv2dParams& p = params_of<Conv2dParams>(work);
  float* grad_weight = operand<float>(work, 2);
  float* grad_bias = operand<float>(work, 3);
  if (work.first) {
    const int64_t weights = int64_t{p.KH} * p.KW * (p.IC / p.groups) * p.OC;
    for (int64_t i = 0; i < weights; ++i) grad_weight[i] = 0.0f;
    for (int i = 0; grad_bias && i < p.OC; ++i) grad_bias[i] = 0.0f;
  }
  const float* x = operand<const float>(work, 0);
  const float* g = operand<const float>(work, 1);
  for (int64_t n = begin; n < end; ++n) {
    add_image(p, x + n * p.IH * p.IW * p.IC, g + n * p.OH * p.OW * p.OC, grad_weight, grad_bias);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
