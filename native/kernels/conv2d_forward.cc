// 2-d convolution: y = conv(x, weight) + bias, then ReLU where asked. Lanes are output channels.
#include "../simd/simd.h"
#include "kernel.h"
#include "params.h"

namespace twill {
namespace TWILL_ISA {

void conv2d_forward(const Work& work, int64_t begin, int64_t end) {
  using namespace simd;
  const auto& p = params_of<Conv2dParams>(work);
  const float* x = operand<const float>(work, 0);
  const float* weight = operand<const float>(work, 1);
  const float* bias = operand<const float>(work, 2);
  float* y = operand<float>(work, 3);
  const int64_t ICG = p.IC / p.groups, OCG = p.OC / p.groups;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t g = 0; g < p.groups; ++g)
      for (int64_t oh = 0; oh < p.OH; ++oh)
        for (int64_t ow = 0; ow < p.OW; ++ow)
          for (int64_t oc = 0; oc < OCG; oc += kWidth) {
            const int lanes = static_cast<int>(OCG - oc < kWidth ? OCG - oc : kWidth);
            Vec sum = bias ? load_partial(bias + g * OCG + oc, lanes) : zero();
            for (int64_t kh = 0; kh < p.KH; ++kh)
              for (int64_t kw = 0; kw < p.KW; ++kw) {
                const int64_t ih = oh * p.stride_h - p.pad_h + kh * p.dilation_h;
                const int64_t iw = ow * p.stride_w - p.pad_w + kw * p.dilation_w;
                if (ih < 0 || ih >= p.IH || iw < 0 || iw >= p.IW) continue;
                const float* pixel = x + ((n * p.IH + ih) * p.IW + iw) * p.IC + g * ICG;
                const float* w = weight + ((g * p.KH + kh) * p.KW + kw) * ICG * OCG + oc;
                for (int64_t ic = 0; ic < ICG; ++ic)
                  sum = fma(broadcast(pixel[ic]), load_partial(w + ic * OCG, lanes), sum);
              }
            if (p.relu) sum = relu(sum);
            store_partial(y + ((n * p.OH + oh) * p.OW + ow) * p.OC + g * OCG + oc, sum, lanes);
          }
}

}  // namespace TWILL_ISA
}  // namespace twill
