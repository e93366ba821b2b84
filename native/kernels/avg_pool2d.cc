// Average-pooling, over windows of one size or, adaptive, over those that share out the image. Lanes are
// channels.
//
// Windows three pixels wide that overlap are what people use besides those that do not: their columns are
// summed once for all windows that have them in common, so that a value is read KH times for KH * 3, and its
// gradient likewise.
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

// The windows along one axis of the image.
struct Axis {
  int64_t input, outputs, kernel, stride, pad;
  bool adaptive, padded;

  TWILL_INLINE Span window(int64_t output) const {
    if (adaptive) {
      const int64_t begin = output * input / outputs;
      const int64_t end = ((output + 1) * input + outputs - 1) / outputs;
      return {begin, end, end - begin};
    }
    const int64_t start = output * stride - pad;
    const int64_t stop = start + kernel < input + pad ? start + kernel : input + pad;
    const int64_t begin = start > 0 ? start : 0;
    const int64_t end = stop < input ? stop : input;
    return {begin, end, padded ? stop - start : end - begin};
  }

  // Whether no two windows have a pixel in common.
  bool apart() const { return adaptive ? input % outputs == 0 : stride >= kernel; }
  // Whether every pixel is in one of those.
  bool covered() const { return adaptive || (stride == kernel && outputs * stride - pad >= input); }
};

struct Windows {
  Axis rows, columns;
  int64_t C, divisor;

  explicit Windows(const AvgPool2dParams& p)
      : rows{p.IH, p.OH, p.KH, p.stride_h, p.pad_h, p.adaptive != 0, p.padded != 0},
        columns{p.IW, p.OW, p.KW, p.stride_w, p.pad_w, p.adaptive != 0, p.padded != 0},
        C(p.C),
        divisor(p.divisor) {}

  // What a value weighs in a window of `size` pixels that count.
  TWILL_INLINE Vec weight(int64_t size) const {
    return broadcast(1.0f / static_cast<float>(divisor > 0 ? divisor : size));
  }
  bool slide() const { return !columns.adaptive && columns.kernel == 3 && columns.stride < 3; }
};

// body(place of the output, rows, columns, what a value weighs) for each window.
template <typename Body>
TWILL_INLINE void each_window(const Windows& w, const Body& body) {
  for (int64_t oh = 0; oh < w.rows.outputs; ++oh) {
    const Span rows = w.rows.window(oh);
    for (int64_t ow = 0; ow < w.columns.outputs; ++ow) {
      const Span columns = w.columns.window(ow);
      body((oh * w.columns.outputs + ow) * w.C, rows, columns, w.weight(rows.size * columns.size));
    }
  }
}

// body(place of the output's row, its input rows, c, lanes, what a value weighs in window ow) for each row of
// outputs, a vector of channels at a time.
template <typename Body>
TWILL_INLINE void each_row_of_windows(const Windows& w, const Body& body) {
  for (int64_t oh = 0; oh < w.rows.outputs; ++oh) {
    const Span rows = w.rows.window(oh);
    const Vec whole = w.weight(rows.size * w.columns.kernel);
    const auto weight = [&](int64_t ow) TWILL_INLINE_LAMBDA {
      const int64_t size = w.columns.window(ow).size;
      return size == w.columns.kernel ? whole : w.weight(rows.size * size);
    };
    each_lanes(w.C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      body(oh * w.columns.outputs * w.C + c, rows, c, lanes, weight);
    });
  }
}

// y: of one image.
void forward_sliding(const Windows& w, const float* x, float* y) {
  const int64_t C = w.C, IW = w.columns.input;
  each_row_of_windows(
      w, [&](int64_t at, const Span& rows, int64_t c, int lanes, const auto& weight) TWILL_INLINE_LAMBDA {
        const float* first = x + rows.begin * IW * C + c;
        const auto column = [&](int64_t iw) TWILL_INLINE_LAMBDA {
          Vec sum = zero();
          if (iw < 0 || iw >= IW) return sum;
          const float* pixel = first + iw * C;
          for (int64_t ih = rows.begin; ih < rows.end; ++ih, pixel += IW * C)
            sum = add(sum, load_lanes(pixel, lanes));
          return sum;
        };
        int64_t next = -w.columns.pad;
        Vec left = zero(), middle = zero(), right = zero();
        for (int64_t ow = 0; ow < w.columns.outputs; ++ow) {
          for (int64_t step = ow == 0 ? 3 : w.columns.stride; step > 0; --step) {
            left = middle;
            middle = right;
            right = column(next++);
          }
          store_lanes(y + at + ow * C, mul(add(add(left, middle), right), weight(ow)), lanes);
        }
      });
}

// Adds to an image's gradients.
void backward_sliding(const Windows& w, const float* grad_output, float* grad_input) {
  const int64_t C = w.C, IW = w.columns.input;
  each_row_of_windows(
      w, [&](int64_t at, const Span& rows, int64_t c, int lanes, const auto& weight) TWILL_INLINE_LAMBDA {
        float* first = grad_input + rows.begin * IW * C + c;
        int64_t iw = -w.columns.pad;
        Vec left = zero(), middle = zero(), right = zero();
        for (int64_t ow = 0; ow < w.columns.outputs; ++ow) {
          const Vec share = mul(load_lanes(grad_output + at + ow * C, lanes), weight(ow));
          left = add(left, share);
          middle = add(middle, share);
          right = add(right, share);
          for (int64_t step = ow + 1 < w.columns.outputs ? w.columns.stride : 3; step > 0; --step, ++iw) {
            if (iw >= 0 && iw < IW) {
              float* pixel = first + iw * C;
              for (int64_t ih = rows.begin; ih < rows.end; ++ih, pixel += IW * C)
                store_lanes(pixel, add(load_lanes(pixel, lanes), left), lanes);
            }
            left = middle;
            middle = right;
            right = zero();
          }
        }
      });
}

void forward_windows(const Windows& w, const float* x, float* y) {
  const int64_t C = w.C;
  each_window(w, [&](int64_t at, const Span& rows, const Span& columns, Vec weight) TWILL_INLINE_LAMBDA {
    const int64_t count = columns.end - columns.begin;
    each_lanes(C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      Vec sum = zero();
      for (int64_t ih = rows.begin; ih < rows.end; ++ih) {
        const float* row = x + (ih * w.columns.input + columns.begin) * C + c;
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

// Adds to an image's gradients in the order of the outputs; writes them where windows are `apart`.
void backward_windows(const Windows& w, bool apart, const float* grad_output, float* grad_input) {
  const int64_t C = w.C;
  each_window(w, [&](int64_t at, const Span& rows, const Span& columns, Vec weight) TWILL_INLINE_LAMBDA {
    each_lanes(C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const Vec share = mul(load_lanes(grad_output + at + c, lanes), weight);
      for (int64_t ih = rows.begin; ih < rows.end; ++ih) {
        for (int64_t iw = columns.begin; iw < columns.end; ++iw) {
          float* target = grad_input + (ih * w.columns.input + iw) * C + c;
          store_lanes(target, apart ? share : add(load_lanes(target, lanes), share), lanes);
        }
      }
    });
  });
}

}  // namespace

void avg_pool2d_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<AvgPool2dParams>(work);
  const Windows windows(p);
  for (int64_t n = begin; n < end; ++n) {
    const float* x = operand<const float>(work, 0) + n * p.IH * p.IW * p.C;
    float* y = operand<float>(work, 1) + n * p.OH * p.OW * p.C;
    if (windows.slide()) {
      forward_sliding(windows, x, y);
    } else {
      forward_windows(windows, x, y);
    }
  }
}

void avg_pool2d_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<AvgPool2dParams>(work);
  const Windows windows(p);
  const int64_t size = int64_t{p.IH} * p.IW * p.C;
  const bool apart = windows.rows.apart() && windows.columns.apart();
  const bool all = apart && windows.rows.covered() && windows.columns.covered();
  for (int64_t n = begin; n < end; ++n) {
    const float* grad_output = operand<const float>(work, 0) + n * p.OH * p.OW * p.C;
    float* grad_input = operand<float>(work, 1) + n * size;
    if (!all) zero_floats(grad_input, size);
    if (windows.slide()) {
      backward_sliding(windows, grad_output, grad_input);
    } else {
      backward_windows(windows, apart, grad_output, grad_input);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
