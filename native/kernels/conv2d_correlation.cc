// The inner loops. A block is `pixels` of one output row x `vectors` of channels, all held in registers; for
// each tap and input channel it loads `vectors` of weights and broadcasts one float a pixel.
//
//   32 registers  2 vectors x 14 pixels: 28 sums + 2 weights + 1 input = 31. 16 loads for 28 FMAs.
//                 1 vector x 28 pixels: 28 sums + 1 weight, the input broadcast by the FMA itself. 29 loads
//                 for 28.
//   16 registers  2 vectors x 6 pixels: 12 sums + 2 weights + 1 input = 15. 8 loads for 12 FMAs.
//                 1 vector x 12 pixels: 12 sums + 1 weight + 1 input = 14. 13 loads for 12.
//
// Two FMA ports of 4 cycles latency want 8 sums in flight (10 at 5 cycles), two load ports allow a load an
// FMA: so one vector runs at nearly, two vectors comfortably at the FMA ports' speed, and 7 pixels of two
// vectors suffice too. Each block reads its weights once, 128 bytes for 28 FMAs with 2 x 14 on AVX-512: 9
// bytes a cycle of the 32 to 48 that L2 delivers.
//
// Taps outside the image are not multiplied: rows of taps are cut to those inside, and in blocks at the left
// or right border each column of taps goes to the pixels it meets, by code of its own for up to kMaxCut
// pixels less.
#include "conv2d_correlation.h"

#include "../simd/stride.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

constexpr int kMaxCut = 4;

// Widths that have code, for one vector and two; other widths are made of them.
constexpr int kMaxPixels[2] = {kRegisters == 32 ? 28 : 12, kRegisters == 32 ? 14 : 6};
template <int... kPixels>
struct Widths {};
using AllWidths = Widths<1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 28>;
using UnitWidths =
    Widths<4, 6, 10, 12, 14, 28>;  // also for inputs of one channel: little arithmetic to hide code behind

struct Block {
  const float* x;  // the first pixel's input under the first tap inside
  const float* weight;
  const float* bias;
  float* y;
  int64_t x_pixel, x_row, x_tap;
  int64_t w_row, w_tap, w_channel;
  int64_t y_col;
  int32_t taps_h, taps_w, channels;
  int32_t left, size, stride, step;  // input column of x; the image's columns
  int32_t count;                     // lanes, where they do not fill a vector
  bool contiguous;  // in x and weight, a tap's last channel is followed by the next tap's first
  bool relu;
};

template <int kPixels, int kVectors, bool kPartial>
struct Sums {
  Vec sum[kPixels][kVectors];

  static TWILL_INLINE Vec load_lanes(const float* p, int v, int count) {
    return kPartial ? load_partial(p, count) : load(p + v * kWidth);
  }

  TWILL_INLINE void start(const Block& b) {
    unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
      const Vec bias = b.bias ? load_lanes(b.bias, v.value, b.count) : zero();
      unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA { sum[p.value][v.value] = bias; });
    });
  }

  // sum[p] += x[p][k] * weight[k] for k = 0..channels-1 and pixels kBegin..kEnd-1
  template <int kBegin, int kEnd, typename By>
  TWILL_INLINE void add(const Block& b, const By& by, const float* x, const float* weight, int channels) {
    typename By::template Pointers<kPixels> inputs(x, by);
    do {
      Vec w[kVectors];
      unroll<0, kVectors>([&](auto v)
                              TWILL_INLINE_LAMBDA { w[v.value] = load_lanes(weight, v.value, b.count); });
      unroll<kBegin, kEnd>([&](auto p) TWILL_INLINE_LAMBDA {
        const Vec input = broadcast(*inputs.template pixel<p.value>(by));
        unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
          sum[p.value][v.value] = fma(input, w[v.value], sum[p.value][v.value]);
        });
      });
      inputs.advance();
      weight += b.w_channel;
    } while (--channels > 0);
  }

  TWILL_INLINE void finish(const Block& b) {
    if (b.relu)
      unroll<0, kPixels * kVectors>([&](auto i) TWILL_INLINE_LAMBDA {
        Vec& value = sum[i.value / kVectors][i.value % kVectors];
        value = simd::relu(value);
      });
    float* y = b.y;
    const int64_t y_col = b.y_col;  // a copy, for stores may alias b
    const int count = b.count;
    unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
      unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
        if (kPartial)
          store_partial(y, sum[p.value][v.value], count);
        else
          store(y + v.value * kWidth, sum[p.value][v.value]);
      });
      y += y_col;
    });
  }
};

// All pixels meet all columns of taps.
template <int kPixels, int kVectors, bool kPartial, typename By>
void inner_block(const Block& b) {
  Sums<kPixels, kVectors, kPartial> sums;
  sums.start(b);
  const By by(b.x_pixel);
  const int runs = b.contiguous ? 1 : b.taps_w;
  const int length = b.contiguous ? b.taps_w * b.channels : b.channels;
  const float* x_row = b.x;
  const float* w_row = b.weight;
  for (int kh = b.taps_h; kh > 0; --kh, x_row += b.x_row, w_row += b.w_row) {
    const float* x = x_row;
    const float* w = w_row;
    for (int run = runs; run > 0; --run, x += b.x_tap, w += b.w_tap)
      sums.template add<0, kPixels>(b, by, x, w, length);
  }
  sums.finish(b);
}

// How many columns of taps, from left to right, meet none of the pixels, all but the first 4, 3, 2, 1, all,
// all but the last 1, 2, 3, 4.
struct Cuts {
  int none, first[kMaxCut + 1], all, last[kMaxCut + 1];
};

template <int kPixels, int kCuts>
TWILL_INLINE Cuts cuts_of(const Block& b) {
  Cuts cuts = {};
  int tap = 0, at = b.left;
  const int last = (kPixels - 1) * b.stride;
  for (; tap < b.taps_w && at + last < 0; ++tap, at += b.step) ++cuts.none;
  for (int cut = kCuts; cut > 0; --cut)
    for (; tap < b.taps_w && at + (cut - 1) * b.stride < 0; ++tap, at += b.step) ++cuts.first[cut];
  for (; tap < b.taps_w && at + last < b.size; ++tap, at += b.step) ++cuts.all;
  for (int cut = 1; cut <= kCuts; ++cut)
    for (; tap < b.taps_w && at + last - cut * b.stride < b.size; ++tap, at += b.step) ++cuts.last[cut];
  return cuts;
}

template <int kPixels, int kVectors, bool kPartial, typename By>
void border_block(const Block& b) {
  Sums<kPixels, kVectors, kPartial> sums;
  sums.start(b);
  const By by(b.x_pixel);
  constexpr int kCuts = kPixels - 1 < kMaxCut ? kPixels - 1 : kMaxCut;
  const Cuts cuts = cuts_of<kPixels, kCuts>(b);
  const int run_taps = b.contiguous && cuts.all > 0 ? cuts.all : 1;
  const float* x_row = b.x + cuts.none * b.x_tap;
  const float* w_row = b.weight + cuts.none * b.w_tap;
  for (int kh = b.taps_h; kh > 0; --kh, x_row += b.x_row, w_row += b.w_row) {
    const float* x = x_row;
    const float* w = w_row;
    unroll<0, kCuts>([&](auto i) TWILL_INLINE_LAMBDA {
      constexpr int kCut = kCuts - i.value;
      for (int n = cuts.first[kCut]; n > 0; --n, x += b.x_tap, w += b.w_tap)
        sums.template add<kCut, kPixels>(b, by, x, w, b.channels);
    });
    for (int n = cuts.all; n > 0; n -= run_taps, x += run_taps * b.x_tap, w += run_taps * b.w_tap)
      sums.template add<0, kPixels>(b, by, x, w, run_taps * b.channels);
    unroll<0, kCuts>([&](auto i) TWILL_INLINE_LAMBDA {
      constexpr int kCut = i.value + 1;
      for (int n = cuts.last[kCut]; n > 0; --n, x += b.x_tap, w += b.w_tap)
        sums.template add<0, kPixels - kCut>(b, by, x, w, b.channels);
    });
  }
  sums.finish(b);
}

using BlockFunction = void (*)(const Block&);

// By width; null where a width has no code.
struct BlockTable {
  BlockFunction inner[kMaxPixels[0] + 1], border[kMaxPixels[0] + 1];
};

template <int kVectors, bool kPartial, typename By, int kPixels>
constexpr void add_width(BlockTable& table) {
  if constexpr (kPixels <= kMaxPixels[kVectors - 1]) {
    table.inner[kPixels] = inner_block<kPixels, kVectors, kPartial, By>;
    table.border[kPixels] = border_block<kPixels, kVectors, kPartial, By>;
  }
}

template <int kVectors, bool kPartial, typename By = Stride, int... kPixels>
constexpr BlockTable make_table(Widths<kPixels...>) {
  BlockTable table = {};
  (add_width<kVectors, kPartial, By, kPixels>(table), ...);
  return table;
}

constexpr BlockTable kTwoVectors = make_table<2, false>(AllWidths{});
constexpr BlockTable kOneVector = make_table<1, false>(AllWidths{});
constexpr BlockTable kPartVector = make_table<1, true>(AllWidths{});
constexpr BlockTable kTwoVectorsUnit = make_table<2, false, UnitStride>(UnitWidths{});
constexpr BlockTable kOneVectorUnit = make_table<1, false, UnitStride>(UnitWidths{});

// The width of the next block of a stretch: nearly equal ones, none wider than `widest`.
int next_width(const BlockTable& table, int stretch, int widest) {
  const int blocks = div_up(stretch, widest);
  int width = div_up(stretch, blocks);
  while (width <= widest && !table.inner[width]) ++width;
  if (width <= widest && width <= stretch) return width;
  width = div_up(stretch, blocks + 1);
  while (!table.inner[width]) --width;
  return width;
}

}  // namespace

void correlate(const Correlation& c, const Lanes& lanes, const float* x, const float* bias,
               const Target& target) {
  if (lanes.depthwise) return correlate_depthwise(c, lanes, x, bias, target);
  const BlockTable& table = lanes.count > kWidth    ? kTwoVectors
                            : lanes.count == kWidth ? kOneVector
                                                    : kPartVector;
  const BlockTable& unit_table = lanes.count > kWidth ? kTwoVectorsUnit : kOneVectorUnit;
  const bool unit = c.x_col * c.cols.stride == 1 && lanes.count >= kWidth;
  // A block no wider than the image cannot hang over both its sides; one of kMaxCut + 1 pixels misses kMaxCut
  // at most.
  int widest = kMaxPixels[lanes.count > kWidth];
  if (widest > div_up(c.cols.size, c.cols.stride)) widest = div_up(c.cols.size, c.cols.stride);
  const int span = (c.cols.taps - 1) * c.cols.step;
  const int hang = kMaxCut * c.cols.stride;

  Block b;
  b.bias = bias;
  b.x_pixel = c.cols.stride * c.x_col;
  b.x_row = c.rows.step * c.x_row;
  b.x_tap = c.cols.step * c.x_col;
  b.w_row = c.w_row;
  b.w_tap = c.w_col;
  b.w_channel = c.w_channel;
  b.y_col = target.y_col;
  b.taps_w = c.cols.taps;
  b.channels = c.channels;
  b.size = c.cols.size;
  b.stride = c.cols.stride;
  b.step = c.cols.step;
  b.count = lanes.count;
  b.contiguous = b.x_tap == c.channels && b.w_tap == c.channels * c.w_channel;
  b.relu = target.relu;

  for (int col = 0, width; col < target.cols; col += width) {
    b.left = c.cols.origin + (target.col + col) * c.cols.stride;
    width = next_width(table, target.cols - col, widest);
    const int over = b.left + (width - 1) * b.stride + span - (b.size - 1);
    if ((b.left < -hang || over > hang) && width > kMaxCut + 1) width = kMaxCut + 1;
    const bool inside = b.left >= 0 && b.left + (width - 1) * b.stride + span < b.size;
    const BlockTable& blocks = unit && unit_table.inner[width] ? unit_table : table;
    const BlockFunction block = (inside ? blocks.inner : blocks.border)[width];
    b.y = target.y + col * target.y_col;
    for (int row = 0; row < target.rows; ++row, b.y += target.y_row) {
      const int top = c.rows.origin + (target.row + row) * c.rows.stride;
      const Range taps = taps_inside(c.rows, top);
      b.taps_h = c.cols.taps > 0 ? taps.end - taps.begin : 0;
      b.weight = lanes.weight + taps.begin * c.w_row;
      b.x = x + (top + taps.begin * c.rows.step) * c.x_row + b.left * c.x_col + lanes.x_channel;
      block(b);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
