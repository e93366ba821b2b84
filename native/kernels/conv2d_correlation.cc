#include "conv2d_correlation.h"

#include <utility>

#include "../simd/simd.h"
#include "../simd/unroll.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

constexpr int kMaxPixels = kRegisters == 32 ? 14 : 6;
constexpr int kMaxCut = 4;

// The block at hand: one row of pixels, `taps_h` rows of taps that lie within the image.
struct Block {
  const float* x;  // the first pixel's input under the first tap
  const float* weight;
  const float* bias;
  float* y;
  int64_t x_pixel, x_row, x_tap;
  int64_t w_row, w_tap, w_channel;
  int64_t y_col;
  int32_t taps_h, taps_w, channels;
  int32_t left, size, stride, step;  // input column of x; the image's width
  int32_t tail;                      // lanes of the last vector
  bool contiguous;                   // channels of one tap are followed by those of the next, in x and weight
  bool relu;
};

// Pixel kPixel's input. x86 addresses are base + index * {1, 2, 4, 8}: seven pixels from one base and three registers.
struct Pixels {
  int64_t stride, stride3, stride5, stride7;  // in bytes

  TWILL_INLINE explicit Pixels(int64_t floats) : stride(floats * 4) {
    stride3 = stride * 3;
    stride5 = stride * 5;
    stride7 = stride * 7;
#if defined(__x86_64__)
    asm("" : "+r"(stride3), "+r"(stride5), "+r"(stride7));
#endif
  }
};

template <int kPixel>
TWILL_INLINE const float* pixel_at(const char* x, const char* x7, const Pixels& by) {
  const char* base = kPixel < 7 ? x : x7;
  constexpr int i = kPixel % 7;
  const int64_t offset = i == 0 ? 0 : i == 1 ? by.stride : i == 2 ? by.stride * 2 : i == 3 ? by.stride3
                       : i == 4 ? by.stride * 4 : i == 5 ? by.stride5 : by.stride3 * 2;
  return reinterpret_cast<const float*>(base + offset);
}

template <int kPixels, int kVectors, bool kPartial, bool kDepthwise>
struct Accumulators {
  Vec sum[kPixels][kVectors];

  static TWILL_INLINE Vec load_lanes(const float* p, int v, int tail) {
    return kPartial && v == kVectors - 1 ? load_partial(p + v * kWidth, tail) : load(p + v * kWidth);
  }

  TWILL_INLINE void start(const Block& b) {
    unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
      const Vec bias = b.bias ? load_lanes(b.bias, v.value, b.tail) : zero();
      unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA { sum[p.value][v.value] = bias; });
    });
  }

  // sum[p] += x[p][k] * weight[k], k = 0..channels-1, for pixels kBegin..kEnd-1.
  template <int kBegin, int kEnd>
  TWILL_INLINE void add(const float* x, const Pixels& by, const float* weight, int64_t w_channel, int channels,
                        int tail) {
    const char* a = reinterpret_cast<const char*>(x);
    const char* a7 = a + by.stride7;
    do {
      Vec w[kVectors];
      unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA { w[v.value] = load_lanes(weight, v.value, tail); });
      unroll<kBegin, kEnd>([&](auto p) TWILL_INLINE_LAMBDA {
        const float* at = pixel_at<p.value>(a, a7, by);
        if constexpr (kDepthwise) {
          unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
            sum[p.value][v.value] = fma(load_lanes(at, v.value, tail), w[v.value], sum[p.value][v.value]);
          });
        } else {
          const Vec input = broadcast(*at);
          unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
            sum[p.value][v.value] = fma(input, w[v.value], sum[p.value][v.value]);
          });
        }
      });
      a += 4;
      a7 += 4;
      weight += w_channel;
    } while (--channels > 0);
  }

  TWILL_INLINE void finish(const Block& b) {
    unroll<0, kPixels>([&](auto p) TWILL_INLINE_LAMBDA {
      float* y = b.y + p.value * b.y_col;
      unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
        const Vec out = b.relu ? relu(sum[p.value][v.value]) : sum[p.value][v.value];
        if (kPartial && v.value == kVectors - 1)
          store_partial(y + v.value * kWidth, out, b.tail);
        else
          store(y + v.value * kWidth, out);
      });
    });
  }
};

template <int kPixels, int kVectors, bool kPartial, bool kDepthwise>
void interior_block(const Block& b) {
  Accumulators<kPixels, kVectors, kPartial, kDepthwise> acc;
  acc.start(b);
  const Pixels by(b.x_pixel);
  const int runs = b.contiguous ? 1 : b.taps_w;
  const int length = b.contiguous ? b.taps_w * b.channels : b.channels;
  const float* x_row = b.x;
  const float* w_row = b.weight;
  for (int kh = b.taps_h; kh > 0; --kh, x_row += b.x_row, w_row += b.w_row) {
    const float* x = x_row;
    const float* w = w_row;
    for (int run = runs; run > 0; --run, x += b.x_tap, w += b.w_tap)
      acc.template add<0, kPixels>(x, by, w, b.w_channel, length, b.tail);
  }
  acc.finish(b);
}

template <int kPixels, int kVectors, bool kPartial, bool kDepthwise>
void edge_block(const Block& b) {
  Accumulators<kPixels, kVectors, kPartial, kDepthwise> acc;
  acc.start(b);
  const Pixels by(b.x_pixel);
  constexpr int kCuts = kPixels - 1 < kMaxCut ? kPixels - 1 : kMaxCut;
  const int last = (kPixels - 1) * b.stride;
  int skipped = 0, at = b.left, kw = 0;
  while (kw < b.taps_w && at + last < 0) ++kw, ++skipped, at += b.step;
  int cut_left[kMaxCut + 1], cut_right[kMaxCut + 1], whole = 0;
  for (int cut = kCuts; cut > 0; --cut) {
    cut_left[cut] = 0;
    while (kw < b.taps_w && at + (cut - 1) * b.stride < 0) ++kw, ++cut_left[cut], at += b.step;
  }
  while (kw < b.taps_w && at + last < b.size) ++kw, ++whole, at += b.step;
  for (int cut = 1; cut <= kCuts; ++cut) {
    cut_right[cut] = 0;
    while (kw < b.taps_w && at + last - cut * b.stride < b.size) ++kw, ++cut_right[cut], at += b.step;
  }
  const int runs = b.contiguous && whole ? 1 : whole;
  const int length = b.contiguous ? whole * b.channels : b.channels;
  const int run_taps = b.contiguous ? whole : 1;

  const float* x_row = b.x + skipped * b.x_tap;
  const float* w_row = b.weight + skipped * b.w_tap;
  for (int kh = b.taps_h; kh > 0; --kh, x_row += b.x_row, w_row += b.w_row) {
    const float* x = x_row;
    const float* w = w_row;
    unroll<0, kCuts>([&](auto i) TWILL_INLINE_LAMBDA {
      constexpr int kCut = kCuts - i.value;
      for (int n = cut_left[kCut]; n > 0; --n, x += b.x_tap, w += b.w_tap)
        acc.template add<kCut, kPixels>(x, by, w, b.w_channel, b.channels, b.tail);
    });
    for (int run = runs; run > 0; --run, x += run_taps * b.x_tap, w += run_taps * b.w_tap)
      acc.template add<0, kPixels>(x, by, w, b.w_channel, length, b.tail);
    unroll<0, kCuts>([&](auto i) TWILL_INLINE_LAMBDA {
      constexpr int kCut = i.value + 1;
      for (int n = cut_right[kCut]; n > 0; --n, x += b.x_tap, w += b.w_tap)
        acc.template add<0, kPixels - kCut>(x, by, w, b.w_channel, b.channels, b.tail);
    });
  }
  acc.finish(b);
}

using BlockFunction = void (*)(const Block&);

struct Blocks {
  BlockFunction interior[kMaxPixels], edge[kMaxPixels];
};

template <int kVectors, bool kPartial, bool kDepthwise, int... kIndex>
constexpr Blocks make_blocks(std::integer_sequence<int, kIndex...>) {
  return {{interior_block<kIndex + 1, kVectors, kPartial, kDepthwise>...},
          {edge_block<kIndex + 1, kVectors, kPartial, kDepthwise>...}};
}

template <int kVectors, bool kPartial, bool kDepthwise>
constexpr Blocks kBlocks =
    make_blocks<kVectors, kPartial, kDepthwise>(std::make_integer_sequence<int, kMaxPixels>{});

const Blocks& blocks_for(const Lanes& lanes) {
  const bool partial = lanes.count % kWidth != 0;
  if (lanes.depthwise) return partial ? kBlocks<1, true, true> : kBlocks<1, false, true>;
  if (lanes.count > kWidth) return partial ? kBlocks<2, true, false> : kBlocks<2, false, false>;
  return partial ? kBlocks<1, true, false> : kBlocks<1, false, false>;
}

// The taps that meet the image at `position` (of tap 0).
struct Range {
  int begin, end;
};
Range taps_inside(const Axis& axis, int position) {
  int begin = 0;
  while (begin < axis.taps && position + begin * axis.step < 0) ++begin;
  int end = axis.taps;
  while (end > begin && position + (end - 1) * axis.step >= axis.size) --end;
  return {begin, end};
}

int div_up(int a, int b) { return (a + b - 1) / b; }

// The first output after `i` that a tap enters or leaves the image at.
int next_break(const Axis& axis, int i) {
  int next = axis.count;
  for (int tap = 0; tap < axis.taps; ++tap) {
    const int at = axis.origin + tap * axis.step;
    const int enters = at < 0 ? div_up(-at, axis.stride) : 0;
    const int leaves = at < axis.size ? div_up(axis.size - at, axis.stride) : 0;
    if (enters > i && enters < next) next = enters;
    if (leaves > i && leaves < next) next = leaves;
  }
  return next;
}

// How far pixels may be blocked without regard to the border: an edge block handles up to kMaxCut pixels that miss a
// tap, on one side at a time.
bool wide_blocks(const Axis& cols) {
  const int over = (cols.count - 1) * cols.stride + cols.origin + (cols.taps - 1) * cols.step - (cols.size - 1);
  return -cols.origin <= kMaxCut * cols.stride && over <= kMaxCut * cols.stride;
}

}  // namespace

void correlate_row(const Correlation& c, const Lanes& lanes, const float* x, const float* bias, int row, int col,
                   int cols, float* y, int64_t y_col, bool relu) {
  const int top = c.rows.origin + row * c.rows.stride;
  Range taps_h = taps_inside(c.rows, top);
  if (c.cols.taps == 0) taps_h.end = taps_h.begin;
  const Blocks& blocks = blocks_for(lanes);

  Block b;
  b.bias = bias;
  b.x_pixel = c.cols.stride * c.x_col;
  b.x_row = c.rows.step * c.x_row;
  b.x_tap = c.cols.step * c.x_col;
  b.weight = lanes.weight + taps_h.begin * lanes.w_row;
  b.w_row = lanes.w_row;
  b.w_tap = lanes.w_col;
  b.w_channel = lanes.w_channel;
  b.y_col = y_col;
  b.taps_h = taps_h.end - taps_h.begin;
  b.taps_w = c.cols.taps;
  b.channels = c.channels;
  b.size = c.cols.size;
  b.stride = c.cols.stride;
  b.step = c.cols.step;
  b.tail = lanes.count % kWidth;
  b.contiguous = b.x_tap == c.channels && b.w_tap == c.channels * b.w_channel;
  b.relu = relu;
  x += (top + taps_h.begin * c.rows.step) * c.x_row + lanes.x_channel;

  // A block no wider than the image cannot hang over both its sides.
  int widest = (c.cols.size - 1) / c.cols.stride + 1;
  if (widest > kMaxPixels) widest = kMaxPixels;
  const bool wide = wide_blocks(c.cols);
  for (const int end = col + cols; col < end;) {
    int stretch = end - col;
    if (!wide) {
      const int next = next_break(c.cols, col);
      if (next < end) stretch = next - col;
    }
    const int pixels = div_up(stretch, div_up(stretch, widest));
    b.left = c.cols.origin + col * c.cols.stride;
    b.x = x + b.left * c.x_col;
    b.y = y;
    const bool inside = b.left >= 0 && b.left + (pixels - 1) * b.stride + (b.taps_w - 1) * b.step < b.size;
    (inside ? blocks.interior : blocks.edge)[pixels - 1](b);
    col += pixels;
    y += pixels * y_col;
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
