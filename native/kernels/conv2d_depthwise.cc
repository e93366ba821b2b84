// Depthwise convolution: a vector of channels meets a vector of weights, so that an input serves one sum
// only.
//
// Fed from memory each multiply-add takes a load, and two load ports just feed two FMA ports. The usual
// kernels, 3 taps wide at strides 1 and 2 and 5 wide at stride 1, load an input once for all the sums of its
// row that it meets: 10 loads for 24 multiply-adds with 8 pixels of 3 taps. 8 sums, 3 weights and an input
// are 12 of 16 registers (14 with 5 weights), and 8 chains hide the latency of 4 cycles on two ports.
//
// Pixels whose taps all lie within the row's columns go in blocks; those at the borders go one by one, each
// with the taps that it meets. Their chains are short and the processor overlaps them with the blocks before
// and after.
#include "../simd/stride.h"
#include "conv2d_correlation.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

constexpr int kMaxPixels = 8;

// Pixels of one row, for channels side by side: whole vectors, or a part of one.
struct Block {
  const float* x;  // the first pixel's input under the first tap
  const float* weight;
  const float* bias;
  float* y;
  int64_t x_col, x_row, x_pixel, x_tap, y_col;
  int32_t taps_h, taps_w, w_row, w_vector;
  int32_t channels;
  bool relu;
};

template <int kPixels, bool kPartial>
struct Sums {
  Vec sum[kPixels];

  TWILL_INLINE void start(const float* bias, int channels) {
    const Vec value = !bias ? zero() : kPartial ? load_partial(bias, channels) : load(bias);
    unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA { sum[p.value] = value; });
  }

  TWILL_INLINE void finish(float* y, int64_t y_col, int channels, bool relu) {
    if (relu)
      unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA { sum[p.value] = simd::relu(sum[p.value]); });
    unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
      if (kPartial)
        store_partial(y, sum[p.value], channels);
      else
        store(y, sum[p.value]);
      y += y_col;
    });
  }
};

// Calls add(sums, x, weight) for each row of taps of each vector of channels.
template <int kPixels, bool kPartial, typename Add>
TWILL_INLINE void for_vectors(const Block& block, const Add& add) {
  const Block b = block;  // a copy, for stores may alias the original
  for (int channel = 0; channel < b.channels; channel += kWidth) {
    Sums<kPixels, kPartial> sums;
    sums.start(b.bias ? b.bias + channel : nullptr, b.channels);
    const float* x = b.x + channel;
    const float* weight = b.weight + channel / kWidth * b.w_vector;
    for (int kh = b.taps_h; kh > 0; --kh, x += b.x_row, weight += b.w_row) add(sums, x, weight);
    sums.finish(b.y + channel, b.y_col, b.channels, b.relu);
  }
}

// Any taps.
template <int kPixels, bool kPartial>
void block_of(const Block& b) {
  const Stride by(b.x_pixel);
  const int taps = b.taps_w, channels = b.channels;
  const int64_t x_tap = b.x_tap;
  for_vectors<kPixels, kPartial>(b, [&](Sums<kPixels, kPartial>& sums, const float* x, const float* weight) {
    for (int kw = 0; kw < taps; ++kw, x += x_tap, weight += kWidth) {
      const Stride::Pointers<kPixels> inputs(x, by);
      const Vec w = load(weight);
      unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
        const float* at = inputs.template pixel<p.value>(by);
        sums.sum[p.value] = fma(kPartial ? load_partial(at, channels) : load(at), w, sums.sum[p.value]);
      });
    }
  });
}

// kTaps taps in neighbouring columns, pixels kStride columns apart, whole vectors.
template <int kPixels, int kTaps, int kStride>
void sliding_block(const Block& b) {
  const Stride by(b.x_col);
  for_vectors<kPixels, false>(b, [&](Sums<kPixels, false>& sums, const float* x, const float* weight) {
    constexpr int kCols = (kPixels - 1) * kStride + kTaps;
    const Stride::Pointers<kCols> inputs(x, by);
    Vec w[kTaps];
    unroll<0, kTaps>([&](auto kw) TWILL_INLINE_LAMBDA { w[kw.value] = load(weight + kw.value * kWidth); });
    unroll<0, kCols>([&](auto col) TWILL_INLINE_LAMBDA {
      const Vec input = load(inputs.template pixel<col.value>(by));
      unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
        constexpr int kTap = col.value - p.value * kStride;
        if constexpr (kTap >= 0 && kTap < kTaps) sums.sum[p.value] = fma(input, w[kTap], sums.sum[p.value]);
      });
    });
  });
}

using BlockFunction = void (*)(const Block&);

// By width.
struct BlockTable {
  BlockFunction of[kMaxPixels + 1];
};

template <bool kPartial>
constexpr BlockTable kBlocks = {{nullptr, block_of<1, kPartial>, block_of<2, kPartial>, block_of<3, kPartial>,
                                 block_of<4, kPartial>, block_of<5, kPartial>, block_of<6, kPartial>,
                                 block_of<7, kPartial>, block_of<8, kPartial>}};

template <int kTaps, int kStride>
constexpr BlockTable kSlidingBlocks = {
    {nullptr, sliding_block<1, kTaps, kStride>, sliding_block<2, kTaps, kStride>,
     sliding_block<3, kTaps, kStride>, sliding_block<4, kTaps, kStride>, sliding_block<5, kTaps, kStride>,
     sliding_block<6, kTaps, kStride>, sliding_block<7, kTaps, kStride>, sliding_block<8, kTaps, kStride>}};

const BlockTable& inner_blocks(const Axis& cols) {
  if (cols.step == 1 && cols.taps == 3 && cols.stride == 1) return kSlidingBlocks<3, 1>;
  if (cols.step == 1 && cols.taps == 3 && cols.stride == 2) return kSlidingBlocks<3, 2>;
  if (cols.step == 1 && cols.taps == 5 && cols.stride == 1) return kSlidingBlocks<5, 1>;
  return kBlocks<false>;
}

// The outputs for which every tap is inside.
Range inner_range(const Axis& axis) {
  const int begin = axis.origin < 0 ? div_up(-axis.origin, axis.stride) : 0;
  const int room = axis.size - axis.origin - (axis.taps - 1) * axis.step;
  const int end = room > 0 ? div_up(room, axis.stride) : 0;
  return {begin, end < begin ? begin : end};
}

// Whole vectors first, then the channels that remain: with 4 lanes pixel by pixel, for there a part of a
// vector takes branches instead of a mask, and blocks would be much code for three channels.
void run(const BlockTable& whole, int width, Block& b, int channels) {
  const int rest = channels % kWidth, vectors = channels / kWidth;
  if (vectors > 0) {
    b.channels = channels - rest;
    whole.of[width](b);
  }
  if (rest == 0) return;
  b.channels = rest;
  b.x += vectors * kWidth;
  b.y += vectors * kWidth;
  b.weight += vectors * b.w_vector;
  if (b.bias) b.bias += vectors * kWidth;
  if constexpr (kWidth > 4) {
    kBlocks<true>.of[width](b);
  } else {
    for (; width > 0; --width, b.x += b.x_pixel, b.y += b.y_col) block_of<1, true>(b);
  }
}

}  // namespace

void correlate_depthwise(const Correlation& c, const Lanes& lanes, const float* x, const float* bias,
                         const Target& target) {
  const Range inner = inner_range(c.cols);
  const BlockTable& inner_table = inner_blocks(c.cols);

  Block b;
  b.x_col = c.x_col;
  b.x_row = c.rows.step * c.x_row;
  b.x_pixel = c.cols.stride * c.x_col;
  b.x_tap = c.cols.step * c.x_col;
  b.y_col = target.y_col;
  b.w_row = c.cols.taps * kWidth;
  b.w_vector = c.rows.taps * b.w_row;
  b.relu = target.relu;

  for (int row = 0; row < target.rows; ++row) {
    const int top = c.rows.origin + (target.row + row) * c.rows.stride;
    const Range taps_h = taps_inside(c.rows, top);
    b.taps_h = taps_h.end - taps_h.begin;
    for (int col = target.col, end = col + target.cols, width; col < end; col += width) {
      const int left = c.cols.origin + col * c.cols.stride;
      const int stretch = (inner.end < end ? inner.end : end) - col;
      const bool inside = col >= inner.begin && stretch > 0;
      width = inside ? div_up(stretch, div_up(stretch, kMaxPixels)) : 1;
      const Range taps_w = inside ? Range{0, c.cols.taps} : taps_inside(c.cols, left);
      b.taps_w = taps_w.end - taps_w.begin;
      b.weight = lanes.weight + taps_h.begin * b.w_row + taps_w.begin * kWidth;
      b.bias = bias;
      b.x = x + (top + taps_h.begin * c.rows.step) * c.x_row + (left + taps_w.begin * c.cols.step) * c.x_col +
            lanes.x_channel;
      b.y = target.y + row * target.y_row + (col - target.col) * target.y_col;
      run(inside ? inner_table : kBlocks<false>, width, b, lanes.count);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
