// Depthwise convolution: a vector of channels meets a vector of weights, so each multiply-add needs a load of its own,
// and two load ports just feed two FMA ports. Blocks of pixels share the load of the weights and hide the latency.
//
// Pixels whose taps all lie within the row's columns go in blocks; those at the borders go one by one, each with the
// taps that it meets. Their chains are short and the processor overlaps them with the blocks before and after.
#include <utility>

#include "conv2d_correlation.h"
#include "../simd/stride.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

constexpr int kMaxPixels = kRegisters == 32 ? 14 : 8;

struct Block {
  const float* x;  // the first pixel's input under the first tap
  const float* weight;
  const float* bias;
  float* y;
  int64_t x_row, x_tap, y_col;
  int32_t taps_h, taps_w, w_row;
  int32_t count;
  bool relu;
};

template <int kPixels, bool kPartial>
void block_of(const Block& b, const Stride& by) {
  Vec sum[kPixels];
  const Vec bias = !b.bias ? zero() : kPartial ? load_partial(b.bias, b.count) : load(b.bias);
  unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA { sum[p.value] = bias; });
  const float* x_row = b.x;
  const float* w_row = b.weight;
  for (int kh = 0; kh < b.taps_h; ++kh, x_row += b.x_row, w_row += b.w_row) {
    const float* x = x_row;
    for (int kw = 0; kw < b.taps_w; ++kw, x += b.x_tap) {
      const Stride::Pointers<kPixels> inputs(x, by);
      const Vec w = load(w_row + kw * kWidth);
      unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
        const float* at = inputs.template pixel<p.value>(by);
        sum[p.value] = fma(kPartial ? load_partial(at, b.count) : load(at), w, sum[p.value]);
      });
    }
  }
  if (b.relu) unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA { sum[p.value] = relu(sum[p.value]); });
  float* y = b.y;
  const int64_t y_col = b.y_col;  // a copy, for stores may alias b
  const int count = b.count;
  unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
    if (kPartial)
      store_partial(y, sum[p.value], count);
    else
      store(y, sum[p.value]);
    y += y_col;
  });
}

using BlockFunction = void (*)(const Block&, const Stride&);

struct BlockTable {
  BlockFunction of[kMaxPixels];
};

template <bool kPartial, int... kIndex>
constexpr BlockTable make_table(std::integer_sequence<int, kIndex...>) {
  return {{block_of<kIndex + 1, kPartial>...}};
}

constexpr BlockTable kWhole = make_table<false>(std::make_integer_sequence<int, kMaxPixels>{});
constexpr BlockTable kPart = make_table<true>(std::make_integer_sequence<int, kMaxPixels>{});

// The outputs for which every tap is inside.
Range inner_range(const Axis& axis) {
  const int begin = axis.origin < 0 ? div_up(-axis.origin, axis.stride) : 0;
  const int room = axis.size - axis.origin - (axis.taps - 1) * axis.step;
  const int end = room > 0 ? div_up(room, axis.stride) : 0;
  return {begin, end < begin ? begin : end};
}

}  // namespace

void correlate_depthwise(const Correlation& c, const Lanes& lanes, const float* x, const float* bias,
                         const Target& target) {
  const Range inner = inner_range(c.cols);
  const Stride by(c.cols.stride * c.x_col);
  const int w_vector = c.rows.taps * c.cols.taps * kWidth;

  Block b;
  b.x_row = c.rows.step * c.x_row;
  b.x_tap = c.cols.step * c.x_col;
  b.y_col = target.y_col;
  b.w_row = c.cols.taps * kWidth;
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
      b.x = x + (top + taps_h.begin * c.rows.step) * c.x_row + (left + taps_w.begin * c.cols.step) * c.x_col +
            lanes.x_channel;
      b.y = target.y + row * target.y_row + (col - target.col) * target.y_col;
      for (int lane = 0; lane < lanes.count; lane += kWidth) {
        b.count = lanes.count - lane;
        b.bias = bias ? bias + lane : nullptr;
        (b.count < kWidth ? kPart : kWhole).of[width - 1](b, by);
        b.weight += w_vector;
        b.x += kWidth;
        b.y += kWidth;
      }
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
