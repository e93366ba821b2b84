// Convolution, bias, ReLU and a max-pool of windows that do not overlap, in one: the unpooled activation stays in
// registers. Lanes are output channels.
#include "../simd/simd.h"
#include "kernel.h"
#include "params.h"

namespace twill {
namespace TWILL_ISA {

void conv2d_pool_forward(const Work& work, int64_t begin, int64_t end) {
  using namespace simd;
  const auto& p = params_of<Conv2dPoolParams>(work);
  const float* x = operand<const float>(work, 0);
  const float* weight = operand<const float>(work, 1);
  const float* bias = operand<const float>(work, 2);
  float* y = operand<float>(work, 3);
  uint8_t* argmax = operand<uint8_t>(work, 4);
  const int64_t ICG = p.IC / p.groups, OCG = p.OC / p.groups;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t g = 0; g < p.groups; ++g)
      for (int64_t ph = 0; ph < p.PH; ++ph)
        for (int64_t pw = 0; pw < p.PW; ++pw)
          for (int64_t oc = 0; oc < OCG; oc += kWidth) {
            const int lanes = static_cast<int>(OCG - oc < kWidth ? OCG - oc : kWidth);
            Vec best = zero();
            Index place = index_broadcast(0);
            for (int32_t k = 0; k < p.pool_h * p.pool_w; ++k) {
              const int64_t oh = ph * p.pool_h + k / p.pool_w, ow = pw * p.pool_w + k % p.pool_w;
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
              if (k == 0) {
                best = sum;
                continue;
              }
              const Mask wins = either(gt(sum, best), is_nan(sum));
              best = select(wins, sum, best);
              place = select(wins, index_broadcast(k), place);
            }
            if (p.relu) {
              place = select(ge(zero(), best), index_broadcast(255), place);
              best = relu(best);
            }
            const int64_t at = ((n * p.PH + ph) * p.PW + pw) * p.OC + g * OCG + oc;
            store_partial(y + at, best, lanes);
            if (argmax) store_u8_partial(argmax + at, place, lanes);
          }
}

}  // namespace TWILL_ISA
}  // namespace twill
