// The gradient of a depthwise convolution's weights and bias.
//
// Vector lanes are channels, of input, gradient and weights alike. The sums of R x T taps stay in registers
// while the positions pass: a load of the gradient, and R * T of the input for as many multiply-adds, all
// from L1 but for the input's next row. 9 chains for 3x3 taps hide the latency of 4 cycles on two ports, and
// loads take 10/9 of what the FMA ports would.
//
// One vector of each pixel is a line in four or eight, which the hardware's prefetching does not foresee:
// what the next row of positions will meet is fetched beside it, two rows and two columns for strides up
// to 2. On batches larger than L2 that halves the time.
//
// With 32 registers 3x3 taps keep what the next position meets as well: of 9 loads a step to the right leaves
// 3, or 6 with stride 2.
//
// The bias's gradient comes along: one more addition for a gradient that is there already.
//
// Rows of taps outside the image are left out for whole rows of positions; at the left and right border each
// position looks at its columns of taps. Every sum is one chain over images, rows and columns of positions.
#include <utility>

#include "../simd/stride.h"
#include "../simd/unroll.h"
#include "accumulators.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int kMaxRows = kCompact ? 2 : 7;

template <int kRows, int kTaps, bool kPartial>
constexpr bool kSlides = kRegisters >= 32 && kRows == 3 && kTaps == 3 && !kPartial;

struct Range {
  int begin, end;
};

// One dimension: tap `t` of position `i` reads the input at i * stride + t * step - pad.
struct Axis {
  int positions, size, taps, stride, step, pad;

  // The taps that lie within the image at a position.
  Range taps_at(int position) const {
    const int at = position * stride - pad;
    int begin = 0, end = taps;
    while (begin < end && at + begin * step < 0) ++begin;
    while (begin < end && at + (end - 1) * step >= size) --end;
    return {begin, end};
  }

  // The positions for which taps [first, last] do.
  Range inside(int first, int last) const {
    const int before = pad - first * step, room = size + pad - last * step;
    const int begin = before > 0 ? (before + stride - 1) / stride : 0;
    const int end = room > 0 ? (room + stride - 1) / stride : 0;
    const int cut = end < positions ? end : positions;
    return begin < cut ? Range{begin, cut} : Range{0, 0};
  }
};

// Some rows of positions that the same rows of taps meet, for a vector of channels or the first lanes of one.
struct Rows {
  const float* x;  // under the first tap of the first position; outside the image where that lies on padding
  const float* gradient;
  int rows, cols, lanes;
  Range inner;            // columns at which no tap is outside
  int left, width, step;  // the input column under the first tap of column 0; columns; between taps
  int stride;
  int64_t x_row, x_col, gradient_row, gradient_col;  // from a position to the next
  int64_t tap_row, tap_col;
};

// kRows rows of kTaps taps, at one position after another.
template <int kRows, int kTaps, bool kPartial>
class Taps {
 public:
  TWILL_INLINE Taps(const Rows& rows, const float* sums, int64_t row_step, const float* bias)
      : a_(rows), taps_(a_.tap_col), bias_(load(bias)) {
    unroll<0, kRows * kTaps>([&](auto i) TWILL_INLINE_LAMBDA {
      sum_[i.value / kTaps][i.value % kTaps] =
          load(sums + i.value / kTaps * row_step + i.value % kTaps * kWidth);
    });
  }

  TWILL_INLINE void add_row(int row) {
    x_ = a_.x + row * a_.x_row;
    gradient_ = a_.gradient + row * a_.gradient_row;
    int col = 0;
    const auto add_border = [&](int end) TWILL_INLINE_LAMBDA {
      for (; col < end; ++col) {
        add([&](auto k) TWILL_INLINE_LAMBDA {
          return static_cast<uint32_t>(a_.left + col * a_.stride + k.value * a_.step) <
                 static_cast<uint32_t>(a_.width);
        });
      }
    };
    add_border(a_.inner.begin);
    if constexpr (kSlides<kRows, kTaps, kPartial>) {
      if (a_.step == 1 && a_.stride <= 2) {
        const int count = a_.inner.end - col;
        a_.stride == 1 ? slide<1>(count) : slide<2>(count);
        col = a_.inner.end;
      }
    }
    for (; col < a_.inner.end; ++col) add([](auto) TWILL_INLINE_LAMBDA { return true; });
    add_border(a_.cols);
  }

  TWILL_INLINE void store_to(float* sums, int64_t row_step, float* bias) const {
    unroll<0, kRows * kTaps>([&](auto i) TWILL_INLINE_LAMBDA {
      store(sums + i.value / kTaps * row_step + i.value % kTaps * kWidth,
            sum_[i.value / kTaps][i.value % kTaps]);
    });
    store(bias, bias_);
  }

 private:
  // A position, of whose columns of taps those count that `meets` says.
  template <typename Meets>
  TWILL_INLINE void add(const Meets& meets) {
    const Vec g = load_some<kPartial>(gradient_, a_.lanes);
    bias_ = simd::add(bias_, g);
    const float* at = x_;
    unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
      const Stride::Pointers<kTaps> pixels(opaque(at), taps_);
      unroll<0, kTaps>([&](auto k) TWILL_INLINE_LAMBDA {
        if (!meets(k)) return;
        Vec& to = sum_[r.value][k.value];
        to = fma(g, load_some<kPartial>(pixels.template pixel<k.value>(taps_), a_.lanes), to);
      });
      at += a_.tap_row;
    });
    go_on();
  }

  // `count` positions that meet all taps.
  template <int kStride>
  TWILL_INLINE void slide(int count) {
    constexpr int kKept = kTaps - kStride;
    Vec input[kRows][kTaps];
    const auto load_taps = [&](auto from, auto to) TWILL_INLINE_LAMBDA {
      const float* at = x_;
      unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
        unroll<from.value, to.value>(
            [&](auto k) TWILL_INLINE_LAMBDA { input[r.value][k.value] = load(at + k.value * a_.tap_col); });
        at += a_.tap_row;
      });
    };
    if (count > 0) load_taps(Constant<0>{}, Constant<kKept>{});
    for (; count > 0; --count) {
      const Vec g = load(gradient_);
      bias_ = simd::add(bias_, g);
      load_taps(Constant<kKept>{}, Constant<kTaps>{});
      unroll<0, kRows * kTaps>([&](auto i) TWILL_INLINE_LAMBDA {
        Vec& to = sum_[i.value / kTaps][i.value % kTaps];
        to = fma(g, input[i.value / kTaps][i.value % kTaps], to);
      });
      unroll<0, kRows * kKept>([&](auto i) TWILL_INLINE_LAMBDA {
        input[i.value / kKept][i.value % kKept] = input[i.value / kKept][i.value % kKept + kStride];
      });
      go_on();
    }
  }

  // To the next position; what the one below will meet is fetched.
  TWILL_INLINE void go_on() {
    constexpr int kFetched = kRows < 2 || kTaps < 2 ? 1 : 2;
    const float* ahead = x_ + a_.x_row + (kRows - kFetched) * a_.tap_row;
    unroll<0, kFetched * kFetched>([&](auto i) TWILL_INLINE_LAMBDA {
      __builtin_prefetch(ahead + i.value / kFetched * a_.tap_row + i.value % kFetched * a_.tap_col);
    });
    __builtin_prefetch(gradient_ + a_.gradient_row);
    x_ += a_.x_col;
    gradient_ += a_.gradient_col;
  }

  const Rows a_;  // a copy, for stores may alias the original
  const Stride taps_;
  const float *x_, *gradient_;
  Vec sum_[kRows][kTaps], bias_;
};

// sums[row][tap], `row_step` floats from a row of sums to the next; bias += the gradient.
template <int kRows, int kTaps, bool kPartial>
void add_taps(const Rows& rows, float* sums, int64_t row_step, float* bias) {
  Taps<kRows, kTaps, kPartial> taps(rows, sums, row_step, bias);
  for (int row = 0; row < rows.rows; ++row) taps.add_row(row);
  taps.store_to(sums, row_step, bias);
}

using BlockFunction = void (*)(const Rows&, float*, int64_t, float*);

// The taps of a row that a block takes, and how many such rows.
struct Blocks {
  int taps, rows;
  BlockFunction of[kMaxRows];
};

constexpr int rows_of(int taps) {
  const int rows = kAccumulators / taps;
  return rows < kMaxRows ? rows : kMaxRows;
}

template <int kTaps, bool kPartial, int... kIndex>
constexpr Blocks make_blocks(std::integer_sequence<int, kIndex...>) {
  return {kTaps, rows_of(kTaps), {add_taps<kIndex + 1, kTaps, kPartial>...}};
}

template <int kTaps, bool kPartial>
constexpr Blocks kBlocks = make_blocks<kTaps, kPartial>(std::make_integer_sequence<int, rows_of(kTaps)>{});

template <bool kPartial>
const Blocks& blocks_for(int taps) {
  if constexpr (kCompact && kPartial) return kBlocks<1, kPartial>;
  return taps == 3   ? kBlocks<3, kPartial>
         : taps == 5 ? kBlocks<5, kPartial>
         : taps == 7 ? kBlocks<7, kPartial>
                     : kBlocks<1, kPartial>;
}

// One image's channels [0, lanes) of x and gradient; sums is [KH][KW][kWidth], bias [kWidth].
void add_image(const Conv2dParams& p, const float* x, const float* gradient, int lanes, float* sums,
               float* bias) {
  const Axis rows{p.OH, p.IH, p.KH, p.stride_h, p.dilation_h, p.pad_h};
  const Axis cols{p.OW, p.IW, p.KW, p.stride_w, p.dilation_w, p.pad_w};
  const Blocks& blocks = lanes == kWidth ? blocks_for<false>(p.KW) : blocks_for<true>(p.KW);
  const int64_t x_row = int64_t{p.IW} * p.IC;
  float ignored[kWidth] = {};  // of blocks that pass over the same positions again
  Rows a;
  a.cols = p.OW;
  a.lanes = lanes;
  a.width = p.IW;
  a.step = p.dilation_w;
  a.stride = p.stride_w;
  a.x_row = p.stride_h * x_row;
  a.x_col = int64_t{p.stride_w} * p.IC;
  a.gradient_row = int64_t{p.OW} * p.OC;
  a.gradient_col = p.OC;
  a.tap_row = p.dilation_h * x_row;
  a.tap_col = int64_t{p.dilation_w} * p.IC;

  for (int row = 0; row < p.OH; row += a.rows) {
    const Range taps = rows.taps_at(row);
    const Range whole = rows.inside(0, p.KH - 1);
    a.rows = whole.begin == row && row < whole.end ? whole.end - row : 1;
    a.gradient = gradient + row * a.gradient_row;
    if (taps.begin == taps.end) {  // this row of positions lies on padding
      a.inner = {0, 0};
      a.width = 0;
      blocks.of[0](a, sums, 0, bias);
      a.width = p.IW;
      continue;
    }
    for (int kh = taps.begin, height; kh < taps.end; kh += height) {
      height = taps.end - kh < blocks.rows ? taps.end - kh : blocks.rows;
      for (int kw = 0; kw < p.KW; kw += blocks.taps) {
        a.inner = cols.inside(kw, kw + blocks.taps - 1);
        a.left = kw * p.dilation_w - p.pad_w;
        a.x = x + (row * p.stride_h + kh * p.dilation_h - p.pad_h) * x_row + int64_t{a.left} * p.IC;
        float* counted = kh == taps.begin && kw == 0 ? bias : ignored;
        blocks.of[height - 1](a, sums + (kh * p.KW + kw) * kWidth, int64_t{p.KW} * kWidth, counted);
      }
    }
  }
}

// Vectors of sums at a time: 16 kB with 16 lanes.
constexpr int kVectors = 2 * kDepthwiseTaps;

// The sums of some channels, taps of a vector of channels side by side: they stay in L1 while the images
// pass, one after another, each with all of these channels.
class Sums {
 public:
  Sums(int taps, int channels, float* grad_weight, float* grad_bias)
      : taps_(taps), channels_(channels), grad_weight_(grad_weight), grad_bias_(grad_bias) {
    const int last = channels / kWidth * kWidth;  // a vector of which lanes may be to spare
    if (last < channels) zero_floats(weight(last), taps * kWidth);
    zero_floats(bias_, (channels + kWidth - 1) / kWidth * kWidth);
    each([&](float& sum, float& target) TWILL_INLINE_LAMBDA { sum = target; });
  }

  float* weight(int channel) { return weight_ + channel * taps_; }
  float* bias(int channel) { return bias_ + channel; }

  void store() {
    each([](float& sum, float& target) TWILL_INLINE_LAMBDA { target = sum; });
  }

 private:
  template <typename Visit>
  TWILL_INLINE void each(const Visit& visit) {
    for (int channel = 0; channel < channels_; channel += kWidth) {
      const int lanes = channels_ - channel < kWidth ? channels_ - channel : kWidth;
      float* sum = weight(channel);
      for (int tap = 0; tap < taps_; ++tap, sum += kWidth) {
        float* target = grad_weight_ + channel * taps_ + tap;
        for (int lane = 0; lane < lanes; ++lane) visit(sum[lane], target[lane * taps_]);
      }
      if (!grad_bias_) continue;
      for (int lane = 0; lane < lanes; ++lane) visit(bias_[channel + lane], grad_bias_[channel + lane]);
    }
  }

  const int taps_, channels_;
  float* const grad_weight_;
  float* const grad_bias_;
  alignas(64) float weight_[kVectors * kWidth];
  alignas(64) float bias_[kVectors * kWidth];
};

}  // namespace

void conv2d_depthwise_backward_weight(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<Conv2dParams>(work);
  const float* x = operand<const float>(work, 0);
  const float* grad_output = operand<const float>(work, 1);
  float* grad_weight = operand<float>(work, 2);
  float* grad_bias = operand<float>(work, 3);
  const int taps = p.KH * p.KW;
  if (work.first) {
    zero_floats(grad_weight, int64_t{taps} * p.OC);
    if (grad_bias) zero_floats(grad_bias, p.OC);
  }
  const int channels = kVectors / taps * kWidth;
  for (int channel = 0; channel < p.IC; channel += channels) {
    const int count = p.IC - channel < channels ? p.IC - channel : channels;
    Sums sums(taps, count, grad_weight + int64_t{channel} * taps, grad_bias ? grad_bias + channel : nullptr);
    for (int64_t n = begin; n < end; ++n) {
      for (int first = 0; first < count; first += kWidth) {
        add_image(p, x + n * p.IH * p.IW * p.IC + channel + first,
                  grad_output + n * p.OH * p.OW * p.OC + channel + first,
                  count - first < kWidth ? count - first : kWidth, sums.weight(first), sums.bias(first));
      }
    }
    sums.store();
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
