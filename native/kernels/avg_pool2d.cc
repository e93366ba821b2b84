// Average-pooling, over windows of one size or, adaptive, over those that share out the image. Lanes are
// channels.
#include "elementwise.h"
#include "kernel.h"
#include "params_spatial.h"
#include "sums.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// One axis of a window: its pixels inside the image, and how many count.
struct Span {
  int64_t begin, end, size;
};

Span shared_out(int64_t output, int64_t input, int64_t outputs) {
  const int64_t begin = output * input / outputs;
  const int64_t end = ((output + 1) * input + outputs - 1) / outputs;
  return {begin, end, end - begin};
}

Span sliding(int64_t output, int64_t input, int64_t kernel, int64_t stride, int64_t pad, bool padded) {
  const int64_t start = output * stride - pad;
  const int64_t stop = start + kernel < input + pad ? start + kernel : input + pad;
  const int64_t begin = start > 0 ? start : 0;
  const int64_t end = stop < input ? stop : input;
  return {begin, end, padded ? stop - start : end - begin};
}

// body(place of the output, rows, columns, what a value weighs) for each window.
template <typename Body>
TWILL_INLINE void each_window(const AvgPool2dParams& p, const Body& body) {
  for (int64_t oh = 0; oh < p.OH; ++oh) {
    const Span rows =
        p.adaptive ? shared_out(oh, p.IH, p.OH) : sliding(oh, p.IH, p.KH, p.stride_h, p.pad_h, p.padded != 0);
    for (int64_t ow = 0; ow < p.OW; ++ow) {
      const Span columns = p.adaptive ? shared_out(ow, p.IW, p.OW)
                                      : sliding(ow, p.IW, p.KW, p.stride_w, p.pad_w, p.padded != 0);
      const int64_t size = p.divisor > 0 ? p.divisor : rows.size * columns.size;
      body((oh * p.OW + ow) * p.C, rows, columns, broadcast(1.0f / static_cast<float>(size)));
    }
  }
}

// Whether no two windows have a pixel in common, along an axis.
bool apart(bool adaptive, int64_t input, int64_t output, int64_t kernel, int64_t stride) {
  return adaptive ? input % output == 0 : stride >= kernel;
}

// Whether every pixel is in one of those.
bool covered(bool adaptive, int64_t input, int64_t output, int64_t kernel, int64_t stride, int64_t pad) {
  return adaptive || (stride == kernel && output * stride - pad >= input);
}

}  // namespace

void avg_pool2d_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<AvgPool2dParams>(work);
  const int64_t C = p.C;
  for (int64_t n = begin; n < end; ++n) {
    const float* x = operand<const float>(work, 0) + n * p.IH * p.IW * C;
    float* y = operand<float>(work, 1) + n * p.OH * p.OW * C;
    each_window(p, [&](int64_t at, const Span& rows, const Span& columns, Vec weight) TWILL_INLINE_LAMBDA {
      const int64_t count = columns.end - columns.begin;
      each_lanes(C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
        Vec sum = zero();
        for (int64_t ih = rows.begin; ih < rows.end; ++ih) {
          const float* row = x + (ih * p.IW + columns.begin) * C + c;
          const auto pixel = [&](int64_t i) TWILL_INLINE_LAMBDA { return load_lanes(row + i * C, lanes); };
          if (count >= 4) {
            sum = add(sum, sum_of(count, pixel));
          } else {
            for (int64_t i = 0; i < count; ++i) sum = add(sum, pixel(i));
          }
        }
        store_lanes(y + at + c, mul(sum, weight), lanes);
      });
    });
  }
}

// Where windows overlap, gradients are added up in the order of the outputs.
void avg_pool2d_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<AvgPool2dParams>(work);
  const int64_t C = p.C;
  const int64_t size = int64_t{p.IH} * p.IW * C;
  const bool adaptive = p.adaptive != 0;
  const bool alone =
      apart(adaptive, p.IH, p.OH, p.KH, p.stride_h) && apart(adaptive, p.IW, p.OW, p.KW, p.stride_w);
  const bool all = alone && covered(adaptive, p.IH, p.OH, p.KH, p.stride_h, p.pad_h) &&
                   covered(adaptive, p.IW, p.OW, p.KW, p.stride_w, p.pad_w);
  for (int64_t n = begin; n < end; ++n) {
    const float* grad_output = operand<const float>(work, 0) + n * p.OH * p.OW * C;
    float* grad_input = operand<float>(work, 1) + n * size;
    if (!all) zero_floats(grad_input, size);
    each_window(p, [&](int64_t at, const Span& rows, const Span& columns, Vec weight) TWILL_INLINE_LAMBDA {
      each_lanes(C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
        const Vec share = mul(load_lanes(grad_output + at + c, lanes), weight);
        for (int64_t ih = rows.begin; ih < rows.end; ++ih) {
          for (int64_t iw = columns.begin; iw < columns.end; ++iw) {
            float* target = grad_input + (ih * p.IW + iw) * C + c;
            store_lanes(target, alone ? share : add(load_lanes(target, lanes), share), lanes);
          }
        }
      });
    });
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
