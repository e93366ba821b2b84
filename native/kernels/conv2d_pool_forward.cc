// Convolution, bias, ReLU and a max-pool of windows that do not overlap, in one.
//
// The rows of a few windows are computed into a tile of a few kB, which stays in L1, and pooled from there:
// storing and loading a vector costs two instructions beside the 25 to 1000 multiply-adds that made it, and
// every window fits.
#include "../simd/unroll.h"
#include "conv2d_correlation.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

// A window has 254 pixels at most. Half of the tile (16 kB on AVX-512) is filled where windows are smaller,
// as many columns of them as blocks of 14 or 28 pixels divide without remainder.
constexpr int kTileFloats = 256 * kLaneVectors * kWidth;
constexpr int kTileCols = 28;
constexpr int kCut = 255;

// min(value, most), but 1 at least
int at_most(int value, int most) {
  if (value > most) value = most;
  return value > 1 ? value : 1;
}

// All of a row's windows, or as many as make whole blocks of pixels.
int windows_across(int windows, int width, int budget) {
  if (windows <= budget) return at_most(windows, budget);
  return at_most(budget * width / kTileCols * kTileCols / width, budget);
}

struct Best {
  Vec value;
  Index place;
};

// The window's first maximum, in row order, and its place; NaN wins over numbers and the last NaN over
// others. ReLU is a candidate before the first: 0 at place kCut.
TWILL_INLINE void take(Best& best, Vec value, int place) {
  const Mask wins = beats(value, best.value);
  best.value = select(wins, value, best.value);
  best.place = select(wins, index_broadcast(place), best.place);
}

// One row of windows: their pixels in the tile, and where the pooled ones go.
struct Windows {
  const float* tile;
  int64_t tile_row, tile_col;
  int count, height, width;
  bool relu;
  float* y;
  uint8_t* argmax;
  int64_t y_col;
};

TWILL_INLINE Best pool_window(const float* window, const Windows& w) {
  Best best = {w.relu ? zero() : load(window), index_broadcast(w.relu ? kCut : 0)};
  for (int ky = 0, place = 0; ky < w.height; ++ky)
    for (int kx = 0; kx < w.width; ++kx, ++place)
      take(best, load(window + ky * w.tile_row + kx * w.tile_col), place);
  return best;
}

// 2x2, where most pools are: without branches but one for NaN, which is never taken.
TWILL_INLINE Best pool_2x2(const float* window, const Windows& w) {
  const float* below = window + w.tile_row;
  const Vec value[4] = {load(window), load(window + w.tile_col), load(below), load(below + w.tile_col)};
  if (any(either(unordered(value[0], value[1]), unordered(value[2], value[3]))))
    return pool_window(window, w);
  Best best = {w.relu ? zero() : value[0], index_broadcast(w.relu ? kCut : 0)};
  unroll<0, 4>([&](auto i) TWILL_INLINE_LAMBDA {
    best.place = select(gt(value[i.value], best.value), index_broadcast(i.value), best.place);
    best.value = max(value[i.value], best.value);
  });
  return best;
}

template <bool kTwoByTwo, bool kPartial>
void pool_row(Windows w, int lanes) {
  float* y = w.y;
  uint8_t* argmax = w.argmax;
  const float* window = w.tile;
  for (int i = 0; i < w.count; ++i, window += w.width * w.tile_col, y += w.y_col) {
    const Best best = kTwoByTwo ? pool_2x2(window, w) : pool_window(window, w);
    kPartial ? store_partial(y, best.value, lanes) : store(y, best.value);
    if (argmax) {
      kPartial ? store_u8_partial(argmax, best.place, lanes) : store_u8(argmax, best.place);
      argmax += w.y_col;
    }
  }
}

void pool_row(const Windows& w, int lanes) {
  const bool two_by_two = w.height == 2 && w.width == 2;
  if (lanes < kWidth)
    (two_by_two ? pool_row<true, true> : pool_row<false, true>)(w, lanes);
  else
    (two_by_two ? pool_row<true, false> : pool_row<false, false>)(w, lanes);
}

}  // namespace

void conv2d_pool_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<Conv2dPoolParams>(work);
  const Correlation c = forward_correlation(p);
  const float* x = operand<const float>(work, 0);
  const float* weight = operand<const float>(work, 1);
  const float* bias = operand<const float>(work, 2);
  float* y = operand<float>(work, 3);
  uint8_t* argmax = operand<uint8_t>(work, 4);
  const RowRange band = rows_of(work, p.PH);
  const int64_t x_image = p.IH * c.x_row, y_row = int64_t{p.PW} * p.OC, y_image = p.PH * y_row;

  for_lanes(c, weight, [&](const Lanes& lanes) {
    alignas(64) float tile[kTileFloats];
    const int64_t tile_col = lanes.count > kWidth ? kLaneVectors * kWidth : kWidth;
    const int window = p.pool_h * p.pool_w, budget = static_cast<int>(kTileFloats / 2 / tile_col) / window;
    const int across = windows_across(p.PW, p.pool_w, budget),
              down = at_most(budget / across, band.end - band.begin);
    const float* lanes_bias = bias ? bias + lanes.y_channel : nullptr;
    // Partial vectors are stored by their lanes and loaded whole: no NaN may lie beside them.
    if (lanes.count % kWidth) zero_floats(tile, kTileFloats);

    for (int64_t n = begin; n < end; ++n)
      for (int ph = band.begin; ph < band.end; ph += down)
        for (int pw = 0; pw < p.PW; pw += across) {
          const int rows = at_most(down, band.end - ph), cols = at_most(across, p.PW - pw);
          const int64_t tile_row = cols * p.pool_w * tile_col;
          correlate(c, lanes, x + n * x_image, lanes_bias,
                    {ph * p.pool_h, rows * p.pool_h, pw * p.pool_w, cols * p.pool_w, tile, tile_row, tile_col,
                     false});
          for (int row = 0; row < rows; ++row) {
            const int64_t at = n * y_image + (ph + row) * y_row + int64_t{pw} * p.OC + lanes.y_channel;
            for (int lane = 0; lane < lanes.count; lane += kWidth)
              pool_row({tile + row * p.pool_h * tile_row + lane, tile_row, tile_col, cols, p.pool_h, p.pool_w,
                        p.relu != 0, y + at + lane, argmax ? argmax + at + lane : nullptr, p.OC},
                       lanes.count - lane < kWidth ? lanes.count - lane : kWidth);
          }
        }
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
