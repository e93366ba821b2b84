// conv2d_pool_backward_weight: the weights' gradient through a max-pool, from the positions that survived it.
#include "../simd/simd.h"
#include "kernel.h"
#include "params.h"

namespace twill {
namespace TWILL_ISA {
namespace {

void add_image(const Conv2dPoolParams& p, const float* x, const float* g, const uint8_t* argmax, float* grad_weight,
               float* grad_bias) {
  const int ICG = p.IC / p.groups;
  const int OCG = p.OC / p.groups;
  for (int ph = 0; ph < p.PH; ++ph) {
    for (int pw = 0; pw < p.PW; ++pw, g += p.OC, argmax += p.OC) {
      for (int oc = 0; oc < p.OC; ++oc) {
        if (argmax[oc] >= p.pool_h * p.pool_w || g[oc] == 0.0f) continue;  // 255: cut by ReLU
        const int oh = ph * p.pool_h + argmax[oc] / p.pool_w;
        const int ow = pw * p.pool_w + argmax[oc] % p.pool_w;
        const int group = oc / OCG;
        if (grad_bias) grad_bias[oc] += g[oc];
        for (int kh = 0; kh < p.KH; ++kh) {
          const int ih = oh * p.stride_h - p.pad_h + kh * p.dilation_h;
          if (ih < 0 || ih >= p.IH) continue;
          for (int kw = 0; kw < p.KW; ++kw) {
            const int iw = ow * p.stride_w - p.pad_w + kw * p.dilation_w;
            if (iw < 0 || iw >= p.IW) continue;
            const float* pixel = x + (int64_t{ih} * p.IW + iw) * p.IC + group * ICG;
            float* tap = grad_weight + ((int64_t{group} * p.KH + kh) * p.KW + kw) * ICG * OCG + oc % OCG;
            for (int ic = 0; ic < ICG; ++ic) tap[ic * OCG] = simd::fma(g[oc], pixel[ic], tap[ic * OCG]);
          }
        }
      }
    }
  }
}

}  // namespace

void conv2d_pool_backward_weight(const Work& work, int64_t begin, int64_t end) {
  const Conv2dPoolParams& p = params_of<Conv2dPoolParams>(work);
  float* grad_weight = operand<float>(work, 3);
  float* grad_bias = operand<float>(work, 4);
  if (work.first) {
    const int64_t weights = int64_t{p.KH} * p.KW * (p.IC / p.groups) * p.OC;
    for (int64_t i = 0; i < weights; ++i) grad_weight[i] = 0.0f;
    for (int i = 0; grad_bias && i < p.OC; ++i) grad_bias[i] = 0.0f;
  }
  const int64_t outputs = int64_t{p.PH} * p.PW * p.OC;
  for (int64_t n = begin; n < end; ++n) {
    add_image(p, operand<const float>(work, 0) + n * p.IH * p.IW * p.IC,
              operand<const float>(work, 1) + n * outputs, operand<const uint8_t>(work, 2) + n * outputs,
              grad_weight, grad_bias);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
