// conv2d_pool_backward_input: the input's gradient through a max-pool, from the positions that survived it.
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

void add_image(const Conv2dPoolParams& p, const float* g, const uint8_t* argmax, const float* weight_t,
               float* grad_input) {
  const int ICG = p.IC / p.groups;
  const int OCG = p.OC / p.groups;
  for (int ph = 0; ph < p.PH; ++ph) {
    for (int pw = 0; pw < p.PW; ++pw, g += p.OC, argmax += p.OC) {
      for (int oc = 0; oc < p.OC; ++oc) {
        if (argmax[oc] >= p.pool_h * p.pool_w || g[oc] == 0.0f) continue;  // 255: cut by ReLU
        const int oh = ph * p.pool_h + argmax[oc] / p.pool_w;
        const int ow = pw * p.pool_w + argmax[oc] % p.pool_w;
        for (int kh = 0; kh < p.KH; ++kh) {
          const int ih = oh * p.stride_h - p.pad_h + kh * p.dilation_h;
          if (ih < 0 || ih >= p.IH) continue;
          for (int kw = 0; kw < p.KW; ++kw) {
            const int iw = ow * p.stride_w - p.pad_w + kw * p.dilation_w;
            if (iw < 0 || iw >= p.IW) continue;
            add_scaled(grad_input + (int64_t{ih} * p.IW + iw) * p.IC + oc / OCG * ICG, g[oc],
                       weight_t + ((int64_t{oc} * p.KH + kh) * p.KW + kw) * ICG, ICG);
          }
        }
      }
    }
  }
}

}  // namespace

void conv2d_pool_backward_input(const Work& work, int64_t begin, int64_t end) {
  const Conv2dPoolParams& p = params_of<Conv2dPoolParams>(work);
  const int64_t inputs = int64_t{p.IH} * p.IW * p.IC;
  const int64_t outputs = int64_t{p.PH} * p.PW * p.OC;
  for (int64_t n = begin; n < end; ++n) {
    float* grad_input = operand<float>(work, 3) + n * inputs;
    for (int64_t i = 0; i < inputs; ++i) grad_input[i] = 0.0f;
    add_image(p, operand<const float>(work, 0) + n * outputs, operand<const uint8_t>(work, 1) + n * outputs,
              operand<const float>(work, 2), grad_input);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
