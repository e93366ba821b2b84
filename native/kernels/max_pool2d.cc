// Max-pooling with any window, stride, padding and dilation, on its own. Lanes are channels.
#include "elementwise.h"
#include "kernel.h"
#include "params_pooling.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// The taps of one window that fall inside the image: input positions first, first + step, ... below `end`.
struct Taps {
  int64_t first, end, step;
};

Taps taps(int64_t output, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  const int64_t start = output * stride - pad;
  const int64_t skipped = start < 0 ? (-start + dilation - 1) / dilation : 0;
  const int64_t end = start + (kernel - 1) * dilation + 1;
  return {start + skipped * dilation, end < size ? end : size, dilation};
}

void store_places(int32_t* argmax, Index places, int lanes) {
  if (lanes == kWidth) {
    store(argmax, places);
  } else {
    store_partial(argmax, places, lanes);
  }
}

// PyTorch's rules: the first of equals wins, and every NaN wins over what came before it. A window without a
// tap inside the image (dilation can step over it) is -infinity and comes from nowhere, -1.
void pool_window(const float* x, float* y, int32_t* argmax, const Taps& rows, const Taps& columns, int64_t IW,
                 int64_t C) {
  const bool empty = rows.first >= rows.end || columns.first >= columns.end;
  const int32_t origin = empty ? -1 : static_cast<int32_t>(rows.first * IW + columns.first);
  each_vector(0, C, [&](int64_t c, int lanes) {
    Vec best = broadcast(-__builtin_inff());
    Index place = index_broadcast(origin);
    for (int64_t ih = rows.first; ih < rows.end; ih += rows.step) {
      for (int64_t iw = columns.first; iw < columns.end; iw += columns.step) {
        const int64_t at = ih * IW + iw;
        const Vec value = load_lanes(x + at * C + c, lanes);
        const Mask better = either(gt(value, best), is_nan(value));
        best = select(better, value, best);
        place = select(better, index_broadcast(static_cast<int32_t>(at)), place);
      }
    }
    store_lanes(y + c, best, lanes);
    if (argmax) store_places(argmax + c, place, lanes);
  });
}

}  // namespace

void max_pool2d_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<MaxPool2dParams>(work);
  const int64_t input_size = int64_t{p.IH} * p.IW * p.C;
  const int64_t output_size = int64_t{p.OH} * p.OW * p.C;
  for (int64_t n = begin; n < end; ++n) {
    const float* x = operand<const float>(work, 0) + n * input_size;
    float* y = operand<float>(work, 1) + n * output_size;
    int32_t* argmax = operand<int32_t>(work, 2);
    if (argmax) argmax += n * output_size;
    for (int64_t oh = 0; oh < p.OH; ++oh) {
      const Taps rows = taps(oh, p.IH, p.KH, p.stride_h, p.pad_h, p.dilation_h);
      for (int64_t ow = 0; ow < p.OW; ++ow) {
        const Taps columns = taps(ow, p.IW, p.KW, p.stride_w, p.pad_w, p.dilation_w);
        const int64_t at = (oh * p.OW + ow) * p.C;
        pool_window(x, y + at, argmax ? argmax + at : nullptr, rows, columns, p.IW, p.C);
      }
    }
  }
}

// Windows may overlap, so gradients are added up, in the order of the outputs.
void max_pool2d_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<MaxPool2dParams>(work);
  const int64_t area = int64_t{p.IH} * p.IW;
  const int64_t outputs = int64_t{p.OH} * p.OW;
  for (int64_t n = begin; n < end; ++n) {
    const float* grad_output = operand<const float>(work, 0) + n * outputs * p.C;
    const int32_t* argmax = operand<const int32_t>(work, 1) + n * outputs * p.C;
    float* grad_input = operand<float>(work, 2) + n * area * p.C;
    each_vector(0, area * p.C, [&](int64_t i, int lanes) { store_lanes(grad_input + i, zero(), lanes); });
    for (int64_t o = 0; o < outputs; ++o) {
      for (int64_t c = 0; c < p.C; ++c) {
        const int64_t place = argmax[o * p.C + c];
        if (place >= 0 && place < area) grad_input[place * p.C + c] += grad_output[o * p.C + c];
      }
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
