// Max-pooling with any window, stride, padding and dilation, on its own. Lanes are channels.
//
// Where a maximum was is told by the number of its tap among those that lie in the image, as a float (2^24 at
// most, which extents_pooling.cc sees to): forward and backward then are comparisons and selections of
// vectors, 5 instructions a tap each way.
#include "elementwise.h"
#include "kernel.h"
#include "params_pooling.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr float kInfinity = __builtin_inff();

struct Span {
  int begin, end;
};

struct Axis {
  int input, outputs, taps, stride, pad, step;

  TWILL_INLINE int start(int output) const { return output * stride - pad; }
  // The taps of a window that lie within the image.
  Span inside(int output) const {
    const int first = start(output), room = input - first;
    const int begin = first < 0 ? (step - 1 - first) / step : 0;
    const int end = room > 0 ? (room + step - 1) / step : 0;
    return {begin, end < taps ? end : taps};
  }
  // The windows of which all do.
  Span whole() const {
    const int begin = (pad + stride - 1) / stride, room = input + pad - (taps - 1) * step;
    const int end = room > 0 ? (room + stride - 1) / stride : 0;
    return {begin, end < outputs ? end : outputs};
  }
  // Whether no two windows have a pixel in common, and whether every pixel is in one of those.
  bool apart() const { return stride > (taps - 1) * step; }
  bool covered() const { return stride == taps && step == 1 && start(outputs) >= input; }
};

struct Windows {
  Axis rows, cols;
  int64_t C;

  explicit Windows(const MaxPool2dParams& p)
      : rows{p.IH, p.OH, p.KH, p.stride_h, p.pad_h, p.dilation_h},
        cols{p.IW, p.OW, p.KW, p.stride_w, p.pad_w, p.dilation_w},
        C(p.C) {}

  // 2 or 3 where windows are squares of so many taps, which have code of their own.
  int square() const { return rows.taps == cols.taps && (rows.taps == 2 || rows.taps == 3) ? rows.taps : 0; }
  bool apart() const { return rows.apart() && cols.apart(); }
  bool covered() const { return rows.covered() && cols.covered(); }
  int64_t tap_col() const { return cols.step * C; }
  int64_t tap_row() const { return rows.step * cols.input * C; }
};

// One window: where its first tap would lie in the image, and the taps that do.
struct Window {
  int64_t origin;
  Span rows, cols;
  bool whole;
};

// body(place of the output, window) for each of an image.
template <typename Body>
TWILL_INLINE void each_window(const Windows& w, const Body& body) {
  const int64_t row = w.cols.input * w.C;
  const Span whole_rows = w.rows.whole(), whole_cols = w.cols.whole();
  int64_t out = 0;
  for (int oh = 0; oh < w.rows.outputs; ++oh) {
    const bool whole_row = oh >= whole_rows.begin && oh < whole_rows.end;
    const Span rows = w.rows.inside(oh);
    for (int ow = 0; ow < w.cols.outputs; ++ow, out += w.C) {
      const bool whole_col = ow >= whole_cols.begin && ow < whole_cols.end;
      const Span cols = whole_col ? Span{0, w.cols.taps} : w.cols.inside(ow);
      body(out, Window{w.rows.start(oh) * row + w.cols.start(ow) * w.C, rows, cols, whole_row && whole_col});
    }
  }
}

// body(place in the image, number of the tap in each lane) for each tap of a window, row by row: of a whole
// square of kSquare x kSquare, or those that lie within the image.
template <int kSquare, typename Body>
TWILL_INLINE void each_tap(const Windows& w, const Window& window, const Body& body) {
  const int64_t col = w.tap_col(), row = w.tap_row();
  if constexpr (kSquare > 0) {
    unroll<0, kSquare * kSquare>([&](auto tap) TWILL_INLINE_LAMBDA {
      body(window.origin + tap.value / kSquare * row + tap.value % kSquare * col,
           broadcast(static_cast<float>(tap.value)));
    });
    return;
  }
  Vec tap = zero();
  for (int kh = window.rows.begin; kh < window.rows.end; ++kh) {
    int64_t at = window.origin + kh * row + window.cols.begin * col;
    for (int kw = window.cols.begin; kw < window.cols.end; ++kw, at += col, tap = add(tap, broadcast(1.0f)))
      body(at, tap);
  }
}

// body(size, c, lanes) for the channels of a window: size.value is that of its square, or 0; then lanes are
// to be looked at.
template <typename Body>
TWILL_INLINE void each_channel(const Windows& w, int square, const Window& window, const Body& body) {
  int64_t c = 0;
  const int64_t last = window.whole ? w.C - w.C % kWidth : 0;
  if (square == 3)
    for (; c < last; c += kWidth) body(Constant<3>{}, c, kWidth);
  if (square == 2)
    for (; c < last; c += kWidth) body(Constant<2>{}, c, kWidth);
  for (; c < w.C; c += kWidth) body(Constant<0>{}, c, static_cast<int>(w.C - c < kWidth ? w.C - c : kWidth));
}

struct Best {
  Vec value, tap;
};

// Of a window without a tap inside the image (dilation can step over it): -infinity, which has no gradient,
// for the backward pass meets no tap either.
TWILL_INLINE Best nothing() { return {broadcast(-kInfinity), zero()}; }

__attribute__((noinline)) void look_for_nan(const Windows& w, const Window& window, const float* x, int lanes,
                                            Best& best) {
  best = nothing();
  each_tap<0>(w, window, [&](int64_t at, Vec tap) TWILL_INLINE_LAMBDA {
    const Vec value = load_lanes(x + at, lanes);
    const Mask wins = beats(value, best.value);
    best.tap = select(wins, tap, best.tap);
    best.value = select(wins, value, best.value);
  });
}

// The same where there is no NaN, by a chain of one instruction a tap. A NaN becomes infinity.
template <int kSquare>
TWILL_INLINE Best best_of(const Windows& w, const Window& window, const float* x, int lanes) {
  Best best = nothing();
  each_tap<kSquare>(w, window, [&](int64_t at, Vec tap) TWILL_INLINE_LAMBDA {
    const Vec value = min(kSquare > 0 ? load(x + at) : load_lanes(x + at, lanes), broadcast(kInfinity));
    best.tap = select(gt(value, best.value), tap, best.tap);
    best.value = max(value, best.value);
  });
  if (any(eq(best.value, broadcast(kInfinity)))) look_for_nan(w, window, x, lanes, best);
  return best;
}

// Adds to an image's gradients, in the order of the windows; writes them where those are apart.
template <bool kApart>
void scatter(const Windows& w, const float* grad_output, const float* taps, float* grad_input) {
  const int square = w.square();
  each_window(w, [&](int64_t out, const Window& window) TWILL_INLINE_LAMBDA {
    each_channel(w, square, window, [&](auto size, int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      constexpr bool kWhole = size.value > 0;
      const Vec gradient = load_lanes(grad_output + out + c, lanes);
      const Vec from = load_lanes(taps + out + c, lanes);
      each_tap<size.value>(w, window, [&](int64_t at, Vec tap) TWILL_INLINE_LAMBDA {
        float* to = grad_input + at + c;
        const Vec before = kApart ? zero() : kWhole ? load(to) : load_lanes(to, lanes);
        const Vec after = select(eq(from, tap), kApart ? gradient : add(before, gradient), before);
        kWhole ? store(to, after) : store_lanes(to, after, lanes);
      });
    });
  });
}

}  // namespace

void max_pool2d_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<MaxPool2dParams>(work);
  const Windows windows(p);
  const int square = windows.square();
  for (int64_t n = begin; n < end; ++n) {
    const float* x = operand<const float>(work, 0) + n * p.IH * p.IW * p.C;
    float* y = operand<float>(work, 1) + n * p.OH * p.OW * p.C;
    float* taps = operand<float>(work, 2);
    if (taps) taps += n * p.OH * p.OW * p.C;
    each_window(windows, [&](int64_t out, const Window& window) TWILL_INLINE_LAMBDA {
      each_channel(windows, square, window, [&](auto size, int64_t c, int lanes) TWILL_INLINE_LAMBDA {
        const Best best = best_of<size.value>(windows, window, x + c, lanes);
        store_lanes(y + out + c, best.value, lanes);
        if (taps) store_lanes(taps + out + c, best.tap, lanes);
      });
    });
  }
}

void max_pool2d_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<MaxPool2dParams>(work);
  const Windows windows(p);
  const int64_t size = int64_t{p.IH} * p.IW * p.C, out_size = int64_t{p.OH} * p.OW * p.C;
  for (int64_t n = begin; n < end; ++n) {
    const float* grad_output = operand<const float>(work, 0) + n * out_size;
    const float* taps = operand<const float>(work, 1) + n * out_size;
    float* grad_input = operand<float>(work, 2) + n * size;
    if (!windows.covered()) zero_floats(grad_input, size);
    (windows.apart() ? scatter<true> : scatter<false>)(windows, grad_output, taps, grad_input);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
