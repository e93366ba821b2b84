// Depthwise convolution and the gradient by its input: a vector of channels meets a vector of weights. The
// usual kernels are walks over several rows of outputs (conv2d_depthwise_walk.cc); what is here is for all
// others: dilated columns, strides from 3 on.
//
// Pixels whose taps all lie within the row's columns go in blocks, 8 sums to hide the latency of 4 cycles on
// two ports; those at the borders go one by one, each with the taps that it meets. A load for each
// multiply-add: two load ports just feed two FMA ports. (Compact code takes all one by one.)
#include <utility>

#include "../simd/stride.h"
#include "conv2d_adjoint.h"
#include "conv2d_depthwise_walk.h"
#include "kernel.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

constexpr int kMaxPixels = kCompact ? 1 : 8;

// Channels that are computed side by side, with their weights: for each vector of channels a vector a tap.
struct Channels {
  int32_t y_channel, count;
  const float* weight;
};

// Pixels of one row, for channels side by side: whole vectors, or a part of one.
struct Block {
  const float* x;  // the first pixel's input under the first tap
  const float* weight;
  const float* bias;
  float* y;
  int64_t x_row, x_pixel, x_tap, y_col;
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

template <int kPixels, bool kPartial>
void block_of(const Block& block) {
  const Block b = block;  // a copy, for stores may alias the original
  const Stride by(b.x_pixel);
  for (int channel = 0; channel < b.channels; channel += kWidth) {
    Sums<kPixels, kPartial> sums;
    sums.start(b.bias ? b.bias + channel : nullptr, b.channels);
    const float* row = b.x + channel;
    const float* weights = b.weight + channel / kWidth * b.w_vector;
    for (int kh = b.taps_h; kh > 0; --kh, row += b.x_row, weights += b.w_row) {
      const float *x = row, *weight = weights;
      for (int kw = b.taps_w; kw > 0; --kw, x += b.x_tap, weight += kWidth) {
        const Stride::Pointers<kPixels> inputs(x, by);
        const Vec w = load(weight);
        unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
          const float* at = inputs.template pixel<p.value>(by);
          sums.sum[p.value] = fma(kPartial ? load_partial(at, b.channels) : load(at), w, sums.sum[p.value]);
        });
      }
    }
    sums.finish(b.y + channel, b.y_col, b.channels, b.relu);
  }
}

using BlockFunction = void (*)(const Block&);

struct BlockTable {
  BlockFunction of[kMaxPixels];  // by width less one
};

template <bool kPartial, int... kIndex>
constexpr BlockTable make_blocks(std::integer_sequence<int, kIndex...>) {
  return {{block_of<kIndex + 1, kPartial>...}};
}

template <bool kPartial>
constexpr BlockTable kBlocks = make_blocks<kPartial>(std::make_integer_sequence<int, kMaxPixels>{});

// The outputs for which every tap is inside.
Range inner_range(const Axis& axis) {
  const int begin = axis.origin < 0 ? div_up(-axis.origin, axis.stride) : 0;
  const int room = axis.size - axis.origin - (axis.taps - 1) * axis.step;
  const int end = room > 0 ? div_up(room, axis.stride) : 0;
  return {begin, end < begin ? begin : end};
}

// Whole vectors first, then the channels that remain: with 4 lanes pixel by pixel, for there a part of a
// vector takes branches instead of a mask, and blocks would be much code for three channels.
void run(int width, Block& b, int channels) {
  const int rest = channels % kWidth, vectors = channels / kWidth;
  if (vectors > 0) {
    b.channels = channels - rest;
    kBlocks<false>.of[width - 1](b);
  }
  if (rest == 0) return;
  b.channels = rest;
  b.x += vectors * kWidth;
  b.y += vectors * kWidth;
  b.weight += vectors * b.w_vector;
  if (b.bias) b.bias += vectors * kWidth;
  if constexpr (kWidth > 4) {
    kBlocks<true>.of[width - 1](b);
  } else {
    for (; width > 0; --width, b.x += b.x_pixel, b.y += b.y_col) block_of<1, true>(b);
  }
}

void correlate_in_blocks(const Correlation& c, const Channels& channels, const float* x, const float* bias,
                         const Target& target) {
  const Range inner = inner_range(c.cols);

  Block b;
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
      b.weight = channels.weight + taps_h.begin * b.w_row + taps_w.begin * kWidth;
      b.bias = bias;
      b.x = x + (top + taps_h.begin * c.rows.step) * c.x_row + (left + taps_w.begin * c.cols.step) * c.x_col +
            channels.y_channel;
      b.y = target.y + row * target.y_row + (col - target.col) * target.y_col;
      run(width, b, channels.count);
    }
  }
}

// One vector of channels, rows of equal shares; one by one where more of them reach over the border than the
// walks look after.
void walk_over(const Correlation& c, const Walks& walks, const float* x, const Target& target, Walk& walk) {
  const int reach = (c.rows.taps - 1) * c.rows.step;
  const auto top_of = [&](int row) { return c.rows.origin + (target.row + row) * c.rows.stride; };
  const auto bottom_of = [&](int row) { return top_of(row) + reach; };
  const int share = div_up(target.rows, div_up(target.rows, walks.most));
  for (int row = 0, rows; row < target.rows; row += rows) {
    rows = target.rows - row < share ? target.rows - row : share;
    const bool over = rows > walks.edge &&
                      (top_of(row + walks.edge) < 0 || bottom_of(row + rows - 1 - walks.edge) >= c.rows.size);
    if (over) rows = 1;
    walk.top = top_of(row);
    walk.x = x + walk.top * c.x_row;
    const bool border = walk.top < 0 || bottom_of(row + rows - 1) >= c.rows.size;
    (border ? walks.border : walks.whole)[rows - 1](walk);
    walk.y += rows * target.y_row;
  }
}

void correlate(const Correlation& c, const Channels& channels, const float* x, const float* bias,
               const Target& target) {
  if (walks_for(c.cols, false).most == 0) return correlate_in_blocks(c, channels, x, bias, target);
  Walk walk;
  walk.x_col = c.x_col;
  walk.x_tap_row = c.rows.step * c.x_row;
  walk.x_row = c.rows.stride * c.x_row;
  walk.y_col = target.y_col;
  walk.y_row = target.y_row;
  walk.rows = c.rows;
  walk.cols = c.cols;
  walk.first = target.col;
  walk.count = target.cols;
  walk.relu = target.relu;
  const int taps = c.rows.taps * c.cols.taps;
  for (int channel = 0; channel < channels.count; channel += kWidth) {
    walk.lanes = channels.count - channel < kWidth ? channels.count - channel : kWidth;
    walk.weight = channels.weight + channel * taps;
    walk.bias = bias ? bias + channel : nullptr;
    walk.y = target.y + channel;
    walk_over(c, walks_for(c.cols, walk.lanes < kWidth), x + channels.y_channel + channel, target, walk);
  }
}

// body(channels) for all of them. Weights lie channel by channel, and lanes want them tap by tap: they are
// gathered, for as many channels as there is room for.
template <typename Body>
void for_channels(const Correlation& c, const float* weight, const Body& body) {
  float gathered[kDepthwiseTaps * kWidth];
  const int taps = c.rows.taps * c.cols.taps;
  const int room = taps > 0 ? kDepthwiseTaps / taps * kWidth : c.groups;
  for (int first = 0; first < c.groups; first += room) {
    const int count = c.groups - first < room ? c.groups - first : room;
    float* to = gathered;
    for (int vector = 0; vector < count; vector += kWidth) {
      const int inside = count - vector < kWidth ? count - vector : kWidth;
      for (int kh = 0; kh < c.rows.taps; ++kh) {
        for (int kw = 0; kw < c.cols.taps; ++kw, to += kWidth) {
          const float* tap = weight + (first + vector) * c.w_group + kh * c.w_row + kw * c.w_col;
          for (int lane = 0; lane < kWidth; ++lane) to[lane] = lane < inside ? tap[lane * c.w_group] : 0.0f;
        }
      }
    }
    body(Channels{first, count, gathered});
  }
}

}  // namespace

void conv2d_depthwise_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<Conv2dParams>(work);
  const Correlation c = forward_correlation(p);
  const float* x = operand<const float>(work, 0);
  const float* bias = operand<const float>(work, 2);
  float* y = operand<float>(work, 3);
  const RowRange rows = rows_of(work, p.OH);
  if (rows.begin == rows.end) return;
  const int64_t x_image = p.IH * c.x_row, y_row = int64_t{p.OW} * p.OC, y_image = p.OH * y_row;

  for_channels(c, operand<const float>(work, 1), [&](const Channels& channels) {
    for (int64_t n = begin; n < end; ++n)
      correlate(c, channels, x + n * x_image, bias ? bias + channels.y_channel : nullptr,
                {rows.begin, rows.end - rows.begin, 0, p.OW,
                 y + n * y_image + rows.begin * y_row + channels.y_channel, y_row, p.OC, p.relu != 0});
  });
}

void conv2d_depthwise_backward_input(const Work& work, int64_t begin, int64_t end) {
  gradient_by_input(work, begin, end, [](const Correlation& c, const float* weight, const auto& body) {
    for_channels(c, weight, body);
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
