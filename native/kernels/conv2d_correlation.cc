// The inner loops. A block is `pixels` of one output row x `vectors` of channels, all held in registers; for
// each tap and input channel it loads `vectors` of weights and broadcasts one float a pixel.
//
//   32 registers  2 vectors x 14 pixels: 28 sums + 2 weights + 1 input = 31. 16 loads for 28 FMAs.
//                 1 vector x 28 pixels: 28 sums + 1 weight, the input broadcast by the FMA itself. 29 loads
//                 for 28.
//   16 registers  2 vectors x 6 pixels: 12 sums + 2 weights + 1 input = 15. 8 loads for 12 FMAs.
//                 1 vector x 12 pixels: 12 sums + 1 weight + 1 input = 14. 13 loads for 12.
//   compact code  2 vectors x 4 pixels: 8 sums + 2 weights + 1 input = 11. 6 loads for 8.
//
// Two FMA ports of 4 cycles latency want 8 sums in flight (10 at 5 cycles), two load ports allow a load an
// FMA: one vector runs nearly, two vectors run comfortably at the FMA ports' speed, and 7 pixels of two
// vectors suffice too. Each block reads its weights once: with 2 x 14 on AVX-512, 128 bytes for 28 FMAs or 9
// bytes a cycle, of the 32 to 48 that L2 delivers.
//
// Taps outside the image are not multiplied: rows of taps are cut to those inside, and in blocks at the left
// or right border each column of taps goes to the pixels it meets, by code of its own for up to kMaxCut
// pixels less.
#include "conv2d_correlation.h"

#include <type_traits>

#include "../simd/stride.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

constexpr int kMaxCut = 4;

// Widths that have code, for one vector and two; others are made of them. Where the input has one channel,
// the usual ones have code of their own: a first layer has too little arithmetic to hide addresses behind.
// (One vector of 4 lanes is what remains of a layer, hardly ever a layer; its wide blocks would be code for
// nobody.)
constexpr int kMaxPixels[2] = {kCompact           ? 4
                               : kWidth == 4      ? 8
                               : kRegisters == 32 ? 28
                                                  : 12,
                               kCompact ? 4 : (kRegisters - 3) / 2};
template <int... kPixels>
struct Widths {};
#ifdef __SANITIZE_ADDRESS__  // every access is checked by code of its own, which takes minutes to compile
using WholeWidths = Widths<1, 2, 5, 14>;
using PartWidths = Widths<1, 3, 7>;
using UnitWidths = Widths<5, 14>;
#else
template <typename Few, typename Many>
using Choice = std::conditional_t<kCompact, Few, Many>;
using WholeWidths = Choice<Widths<1, 2, 3, 4>, Widths<1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 28> >;
using PartWidths =
    Choice<Widths<1, 4>,
           std::conditional_t<kWidth == 4, Widths<1, 2, 3, 4>, Widths<1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14> > >;
using UnitWidths = Choice<Widths<4>, Widths<4, 6, 10, 12, 14, 28> >;
#endif

// Some columns of the target, all its rows, some lanes.
struct Strip {
  const Correlation* c;
  const float* x;  // the image's first row at the first column's first channel
  const float* weight;
  const float* bias;
  float* y;
  int64_t y_row, y_col;
  int32_t rows, top;  // input row of the first one under the first tap
  int32_t left;       // input column of the first one under the first tap
  int32_t tail;       // lanes of the last vector
  bool contiguous;    // in x and weight, a tap's last channel is followed by the next tap's first
  bool relu;
};

// kPartial: the last vector is loaded and stored by its `tail` lanes.
template <int kPixels, int kVectors, bool kPartial>
struct Sums {
  Vec sum[kPixels][kVectors];
  int64_t w_channel;
  int tail;

  static constexpr bool is_whole(int v) { return !kPartial || v + 1 < kVectors; }

  TWILL_INLINE Vec load_lanes(const float* p, int v) const {
    return is_whole(v) ? load(p + v * kWidth) : load_partial(p + v * kWidth, tail);
  }

  TWILL_INLINE void start(const float* bias) {
    unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
      const Vec value = bias ? load_lanes(bias, v.value) : zero();
      unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA { sum[p.value][v.value] = value; });
    });
  }

  // sum[p] += x[p][k] * weight[k] for k = 0..channels-1 and pixels kBegin..kEnd-1
  template <int kBegin, int kEnd, typename By>
  TWILL_INLINE void add(const By& by, const float* x, const float* weight, int channels) {
    typename By::template Pointers<kPixels> inputs(x, by);
    do {
      Vec w[kVectors];
      unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA { w[v.value] = load_lanes(weight, v.value); });
      unroll<kBegin, kEnd>([&](auto p) TWILL_INLINE_LAMBDA {
        const Vec input = broadcast(*inputs.template pixel<p.value>(by));
        unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
          sum[p.value][v.value] = fma(input, w[v.value], sum[p.value][v.value]);
        });
      });
      inputs.advance();
      weight += w_channel;
    } while (--channels > 0);
  }

  TWILL_INLINE void finish(float* y, int64_t y_col, bool relu) {
    if (relu)
      unroll<0, kPixels * kVectors>([&](auto i) TWILL_INLINE_LAMBDA {
        Vec& value = sum[i.value / kVectors][i.value % kVectors];
        value = simd::relu(value);
      });
    unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
      unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
        if (is_whole(v.value))
          store(y + v.value * kWidth, sum[p.value][v.value]);
        else
          store_partial(y + v.value * kWidth, sum[p.value][v.value], tail);
      });
      y += y_col;
    });
  }
};

// Calls add_row(sums, x, weight) for each row of taps that lies within the image, for each output row. (What
// is opaque the compiler would take out of the loop, with a copy of the loop for each case.)
template <typename Sums, typename AddRow>
TWILL_INLINE void for_rows(const Strip& strip, const AddRow& add_row) {
  const Strip s = strip;  // copies, for stores may alias the originals
  const Axis rows = s.c->rows;
  const int64_t x_row = s.c->x_row, w_row = s.c->w_row;
  Sums sums;
  sums.w_channel = s.c->w_channel;
  sums.tail = s.tail;
  float* y = s.y;
  for (int row = 0, top = s.top; row < s.rows; ++row, top += rows.stride, y += s.y_row) {
    const Range taps = taps_inside(rows, top);
    const float* x = s.x + (top + taps.begin * rows.step) * x_row;
    const float* w = s.weight + taps.begin * w_row;
    sums.start(opaque(s.bias));
    for (int kh = taps.end - taps.begin; kh > 0; --kh, x += rows.step * x_row, w += w_row)
      add_row(sums, x, w);
    sums.finish(y, s.y_col, opaque(s.relu));
  }
}

// All pixels meet all columns of taps.
template <int kPixels, int kVectors, bool kPartial, typename By>
void inner_strip(const Strip& s) {
  const Axis& cols = s.c->cols;
  const By by(cols.stride * s.c->x_col);
  const int64_t x_tap = cols.step * s.c->x_col, w_tap = s.c->w_col;
  const int runs = s.contiguous && cols.taps > 0 ? 1 : cols.taps;
  const int length = s.contiguous ? cols.taps * s.c->channels : s.c->channels;
  using S = Sums<kPixels, kVectors, kPartial>;
  for_rows<S>(s, [&](S& sums, const float* x, const float* w) TWILL_INLINE_LAMBDA {
    for (int run = runs; run > 0; --run, x += x_tap, w += w_tap)
      sums.template add<0, kPixels>(by, x, w, length);
  });
}

// How many columns of taps, from left to right, meet none of the pixels, all but the first 4, 3, 2, 1, all,
// all but the last 1, 2, 3, 4.
struct Cuts {
  int none, first[kMaxCut + 1], all, last[kMaxCut + 1];
};

template <int kPixels, int kCuts>
TWILL_INLINE Cuts cuts_of(const Axis& cols, int at) {
  Cuts cuts = {};
  int tap = 0;
  const int last = (kPixels - 1) * cols.stride;
  for (; tap < cols.taps && at + last < 0; ++tap, at += cols.step) ++cuts.none;
  for (int cut = kCuts; cut > 0; --cut)
    for (; tap < cols.taps && at + (cut - 1) * cols.stride < 0; ++tap, at += cols.step) ++cuts.first[cut];
  for (; tap < cols.taps && at + last < cols.size; ++tap, at += cols.step) ++cuts.all;
  for (int cut = 1; cut <= kCuts; ++cut)
    for (; tap < cols.taps && at + last - cut * cols.stride < cols.size; ++tap, at += cols.step)
      ++cuts.last[cut];
  return cuts;
}

template <int kPixels, int kVectors, bool kPartial, typename By>
void border_strip(const Strip& s) {
  constexpr int kCuts = kPixels - 1 < kMaxCut ? kPixels - 1 : kMaxCut;
  const Axis& cols = s.c->cols;
  const By by(cols.stride * s.c->x_col);
  const int64_t x_tap = cols.step * s.c->x_col, w_tap = s.c->w_col;
  const int channels = s.c->channels;
  const Cuts cuts = cuts_of<kPixels, kCuts>(cols, s.left);
  const int run_taps = s.contiguous && cuts.all > 0 ? cuts.all : 1;
  using S = Sums<kPixels, kVectors, kPartial>;
  for_rows<S>(s, [&](S& sums, const float* x, const float* w) TWILL_INLINE_LAMBDA {
    x += cuts.none * x_tap;
    w += cuts.none * w_tap;
    unroll<0, kCuts>([&](auto i) TWILL_INLINE_LAMBDA {
      constexpr int kCut = kCuts - i.value;
      for (int n = cuts.first[kCut]; n > 0; --n, x += x_tap, w += w_tap)
        sums.template add<kCut, kPixels>(by, x, w, channels);
    });
    for (int n = cuts.all; n > 0; n -= run_taps, x += run_taps * x_tap, w += run_taps * w_tap)
      sums.template add<0, kPixels>(by, x, w, run_taps * channels);
    unroll<0, kCuts>([&](auto i) TWILL_INLINE_LAMBDA {
      constexpr int kCut = i.value + 1;
      for (int n = cuts.last[kCut]; n > 0; --n, x += x_tap, w += w_tap)
        sums.template add<0, kPixels - kCut>(by, x, w, channels);
    });
  });
}

using StripFunction = void (*)(const Strip&);

// By width; null where a width has no code.
struct StripTable {
  static constexpr int kWidest = kMaxPixels[0] > kMaxPixels[1] ? kMaxPixels[0] : kMaxPixels[1];
  StripFunction inner[kWidest + 1], border[kWidest + 1];
};

constexpr int kNarrow = kMaxCut + 1 < StripTable::kWidest ? kMaxCut + 1 : StripTable::kWidest;

template <int kVectors, bool kPartial, typename By, int kPixels>
constexpr void add_width(StripTable& table) {
  if constexpr (kPixels <= kMaxPixels[kVectors - 1]) {
    table.inner[kPixels] = inner_strip<kPixels, kVectors, kPartial, By>;
    table.border[kPixels] = border_strip<kPixels, kVectors, kPartial, By>;
  }
}

template <int kVectors, bool kPartial, typename By = Stride, int... kPixels>
constexpr StripTable make_table(Widths<kPixels...>) {
  StripTable table = {};
  (add_width<kVectors, kPartial, By, kPixels>(table), ...);
  return table;
}

// The blocks for so many lanes, up to two vectors of them; a part of the second one only where masks are
// free.
struct LaneTables {
  StripTable any, unit;
};

template <int kVectors>
constexpr LaneTables kWhole = {make_table<kVectors, false>(WholeWidths{}),
                               make_table<kVectors, false, UnitStride>(UnitWidths{})};
template <int kVectors>
constexpr LaneTables kPart = {make_table<kVectors, true>(PartWidths{}), {}};

const LaneTables& tables_for(int lanes) {
  if (lanes == 2 * kWidth) return kWhole<2>;
  if (lanes == kWidth) return kWhole<1>;
  if constexpr (kMasksAreFree) return lanes > kWidth ? kPart<2> : kPart<1>;
  return kPart<1>;
}

// The width of the next block of a stretch: nearly equal ones, none wider than `widest`.
int next_width(const StripTable& table, int stretch, int widest) {
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
  if (lanes.planar) return correlate_planar(c, lanes, x, bias, target);
  const bool unit = c.x_col * c.cols.stride == 1;
  const LaneTables& tables = tables_for(lanes.count);
  // A strip no wider than the image cannot hang over both its sides; one of kMaxCut + 1 pixels misses kMaxCut
  // at most.
  const int image = div_up(c.cols.size, c.cols.stride), most = kMaxPixels[lanes.count > kWidth];
  const int widest = image > most ? most : image > 1 ? image : 1;
  const int hang = kMaxCut * c.cols.stride;

  Strip s;
  s.c = &c;
  s.weight = lanes.weight;
  s.bias = bias;
  s.y_row = target.y_row;
  s.y_col = target.y_col;
  s.rows = target.rows;
  s.top = c.rows.origin + target.row * c.rows.stride;
  s.tail = (lanes.count - 1) % kWidth + 1;
  s.contiguous = c.cols.step * c.x_col == c.channels && c.w_col == c.channels * c.w_channel;
  s.relu = target.relu;

  for (int col = 0, width; col < target.cols; col += width) {
    s.left = c.cols.origin + (target.col + col) * c.cols.stride;
    s.x = x + s.left * c.x_col + lanes.x_channel;
    s.y = target.y + col * target.y_col;
    width = next_width(tables.any, target.cols - col, widest);
    const int last = s.left + (width - 1) * c.cols.stride + (c.cols.taps - 1) * c.cols.step;
    if ((s.left < -hang || last >= c.cols.size + hang) && width > kNarrow)
      width = next_width(tables.any, kNarrow, kNarrow);
    const bool inside = s.left >= 0 && last < c.cols.size;
    const StripTable& strips = unit && tables.unit.inner[width] ? tables.unit : tables.any;
    (inside ? strips.inner : strips.border)[width](s);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
