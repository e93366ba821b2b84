// 2-d convolution: y = conv(x, weight) + bias, then ReLU where asked.
#include "conv2d_correlation.h"
#include "kernel.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {

void conv2d_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<Conv2dParams>(work);
  const Correlation c = forward_correlation(p);
  const float* x = operand<const float>(work, 0);
  const float* weight = operand<const float>(work, 1);
  const float* bias = operand<const float>(work, 2);
  float* y = operand<float>(work, 3);
  const RowRange rows = rows_of(work, p.OH);
  if (rows.begin == rows.end) return;
  const int64_t x_image = p.IH * c.x_row, y_row = int64_t{p.OW} * p.OC, y_image = p.OH * y_row;

  for_lanes(c, weight, [&](const Lanes& lanes) {
    for (int64_t n = begin; n < end; ++n)
      correlate(c, lanes, x + n * x_image, bias ? bias + lanes.y_channel : nullptr,
                {rows.begin, rows.end - rows.begin, 0, p.OW,
                 y + n * y_image + rows.begin * y_row + lanes.y_channel, y_row, p.OC, p.relu != 0});
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
