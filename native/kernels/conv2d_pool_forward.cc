// Convolution, bias, ReLU and a max-pool of windows that do not overlap, in one.
//
// The rows of a few windows are computed into a tile of a few kB, which stays in L1, and pooled from there: storing and
// loading a vector once costs a few per cent of the 25 to 1000 multiply-adds that made it, and any window fits.
#include "conv2d_correlation.h"
#include "kernel.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

constexpr int kTilePixels = 256;  // a window has 254 at most
constexpr int kTileCols = 28;

struct Pooled {
  Vec value;
  Index place;
};

// The first maximum in window order; NaN wins over all, the last one. Pixel (ky, kx) is at ky * row + kx * col.
TWILL_INLINE Pooled pool_window(const float* tile, int pool_h, int pool_w, int64_t row, int64_t col) {
  Pooled best = {load(tile), index_broadcast(0)};
  int32_t place = 0;
  for (int ky = 0; ky < pool_h; ++ky)
    for (int kx = 0; kx < pool_w; ++kx, ++place) {
      const Vec value = load(tile + ky * row + kx * col);
      const Mask wins = either(gt(value, best.value), is_nan(value));
      best.value = select(wins, value, best.value);
      best.place = select(wins, index_broadcast(place), best.place);
    }
  return best;
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
  const int64_t x_image = p.IH * c.x_row, y_row = int64_t{p.PW} * p.OC, y_image = p.PH * y_row;

  // Windows side by side that fit into the tile.
  int across = kTilePixels / (p.pool_h * p.pool_w);
  if (across > kTileCols / p.pool_w) across = kTileCols / p.pool_w > 0 ? kTileCols / p.pool_w : 1;

  for_lanes(c, weight, begin, end, [&](int64_t n, const Lanes& lanes) {
    alignas(64) float tile[kTilePixels * kLaneVectors * kWidth];
    const int64_t tile_col = kLaneVectors * kWidth;
    const float* lanes_bias = bias ? bias + lanes.y_channel : nullptr;
    for (int ph = 0; ph < p.PH; ++ph)
      for (int pw = 0; pw < p.PW; pw += across) {
        const int windows = p.PW - pw < across ? p.PW - pw : across;
        const int64_t tile_row = windows * p.pool_w * tile_col;
        for (int ky = 0; ky < p.pool_h; ++ky)
          correlate_row(c, lanes, x + n * x_image, lanes_bias, ph * p.pool_h + ky, pw * p.pool_w,
                        windows * p.pool_w, tile + ky * tile_row, tile_col, false);
        for (int i = 0; i < windows; ++i)
          for (int lane = 0; lane < lanes.count; lane += kWidth) {
            Pooled best = pool_window(tile + i * p.pool_w * tile_col + lane, p.pool_h, p.pool_w, tile_row, tile_col);
            if (p.relu) {
              best.place = select(ge(zero(), best.value), index_broadcast(255), best.place);
              best.value = relu(best.value);
            }
            const int64_t at = n * y_image + ph * y_row + (pw + i) * int64_t{p.OC} + lanes.y_channel + lane;
            const int count = lanes.count - lane < kWidth ? lanes.count - lane : kWidth;
            store_partial(y + at, best.value, count);
            if (argmax) store_u8_partial(argmax + at, best.place, count);
          }
      }
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
