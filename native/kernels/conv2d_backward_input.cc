// The gradient of a convolution by its input: each input pixel sums what the outputs that read it send back.
#include "../simd/simd.h"
#include "kernel.h"
#include "params.h"

namespace twill {
namespace TWILL_ISA {

void conv2d_backward_input(const Work& work, int64_t begin, int64_t end) {
  using namespace simd;
  const auto& p = params_of<Conv2dParams>(work);
  const float* grad_output = operand<const float>(work, 0);
  const float* weight_t = operand<const float>(work, 1);
  float* grad_input = operand<float>(work, 2);
  const int64_t ICG = p.IC / p.groups, OCG = p.OC / p.groups;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t g = 0; g < p.groups; ++g)
      for (int64_t ih = 0; ih < p.IH; ++ih)
        for (int64_t iw = 0; iw < p.IW; ++iw)
          for (int64_t ic = 0; ic < ICG; ic += kWidth) {
            const int lanes = static_cast<int>(ICG - ic < kWidth ? ICG - ic : kWidth);
            Vec sum = zero();
            for (int64_t kh = p.KH - 1; kh >= 0; --kh)
              for (int64_t kw = p.KW - 1; kw >= 0; --kw) {
                const int64_t top = ih + p.pad_h - kh * p.dilation_h;
                const int64_t left = iw + p.pad_w - kw * p.dilation_w;
                if (top < 0 || left < 0 || top % p.stride_h || left % p.stride_w) continue;
                const int64_t oh = top / p.stride_h, ow = left / p.stride_w;
                if (oh >= p.OH || ow >= p.OW) continue;
                const float* pixel = grad_output + ((n * p.OH + oh) * p.OW + ow) * p.OC + g * OCG;
                for (int64_t oc = 0; oc < OCG; ++oc) {
                  const float* w = weight_t + (((g * OCG + oc) * p.KH + kh) * p.KW + kw) * ICG + ic;
                  sum = fma(broadcast(pixel[oc]), load_partial(w, lanes), sum);
                }
              }
            store_partial(grad_input + ((n * p.IH + ih) * p.IW + iw) * p.IC + g * ICG + ic, sum, lanes);
          }
}

}  // namespace TWILL_ISA
}  // namespace twill
