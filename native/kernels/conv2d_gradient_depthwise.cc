// Vector lanes are channels, of input, gradient and weights alike. The sums of R x T taps stay in registers
// while the positions pass: a load of the gradient, and R * T of the input for as many multiply-adds, from a
// copy with its padding so that no position is special. 9 chains for 3x3 taps, and loads at 10/9 of what the
// FMA ports would take.
#include "conv2d_gradient_depthwise.h"

#include <utility>

#include "../simd/stride.h"
#include "../simd/unroll.h"
#include "conv2d_gradient_patch.h"
#include "conv2d_gradient_registers.h"
#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int kChannels = 16;  // side by side in the copy and in the sums
constexpr int kMaxTaps = 256;
constexpr int kMaxRows = 7;
constexpr PatchLimits kLimits = {18 * 18 * kChannels, 1 << 20};  // 20.7 KB

// The positions of a tile, for up to a vector of channels.
struct Tile {
  const float* x;  // under the first tap of the first position
  const float* gradient;
  int height, width, lanes;
  int64_t x_row, x_col, gradient_row, gradient_col;  // from a position to the next
  int64_t tap_row, tap_col;
};

// sums[row][tap] for kRows rows of kTaps taps, `row_step` floats from a row of sums to the next.
template <int kRows, int kTaps>
void add_taps(const Tile& tile, const float* x, float* sums, int64_t row_step) {
  const Tile t = tile;  // a copy, for stores may alias the original
  const Stride taps(t.tap_col);
  Vec sum[kRows][kTaps];
  unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
    unroll<0, kTaps>([&](auto k) TWILL_INLINE_LAMBDA {
      sum[r.value][k.value] = load(sums + r.value * row_step + k.value * kChannels);
    });
  });
  for (int row = 0; row < t.height; ++row) {
    const float* from = x + row * t.x_row;
    const float* gradient = t.gradient + row * t.gradient_row;
    for (int col = t.width; col > 0; --col) {
      const Vec g = load_lanes(gradient, t.lanes);
      const float* at = from;
      unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
        const Stride::Pointers<kTaps> pixels(opaque(at), taps);
        unroll<0, kTaps>([&](auto k) TWILL_INLINE_LAMBDA {
          Vec& to = sum[r.value][k.value];
          to = fma(g, load(pixels.template pixel<k.value>(taps)), to);
        });
        at += t.tap_row;
      });
      from += t.x_col;
      gradient += t.gradient_col;
    }
  }
  unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
    unroll<0, kTaps>([&](auto k) TWILL_INLINE_LAMBDA {
      store(sums + r.value * row_step + k.value * kChannels, sum[r.value][k.value]);
    });
  });
}

using BlockFunction = void (*)(const Tile&, const float*, float*, int64_t);

// The taps of a row that a block takes, and how many such rows.
struct Blocks {
  int taps, rows;
  BlockFunction of[kMaxRows];
};

constexpr int rows_of(int taps) {
  const int rows = kAccumulators / taps;
  return rows < kMaxRows ? rows : kMaxRows;
}

template <int kTaps, int... kIndex>
constexpr Blocks make_blocks(std::integer_sequence<int, kIndex...>) {
  return {kTaps, rows_of(kTaps), {add_taps<kIndex + 1, kTaps>...}};
}

template <int kTaps>
constexpr Blocks kBlocks = make_blocks<kTaps>(std::make_integer_sequence<int, rows_of(kTaps)>{});

const Blocks& blocks_for(int taps) {
  return taps == 3 ? kBlocks<3> : taps == 5 ? kBlocks<5> : taps == 7 ? kBlocks<7> : kBlocks<1>;
}

// All taps for the positions of a tile; sums is [KH][KW][kChannels].
void add_tile(const Conv2dPoolParams& p, const Tile& tile, float* sums) {
  const Blocks& blocks = blocks_for(p.KW);
  for (int kh = 0; kh < p.KH; kh += blocks.rows) {
    const int rows = p.KH - kh < blocks.rows ? p.KH - kh : blocks.rows;
    for (int kw = 0; kw < p.KW; kw += blocks.taps) {
      blocks.of[rows - 1](tile, tile.x + kh * tile.tap_row + kw * tile.tap_col,
                          sums + (kh * p.KW + kw) * kChannels, int64_t{p.KW} * kChannels);
    }
  }
}

// Channels [channel, channel + t.channels) of one image.
void add_image(const Conv2dPoolParams& p, const PatchTiling& t, const float* x, const float* gradient,
               int channel, float* sums) {
  alignas(64) float patch[kLimits.floats + kPatchSlack];
  const int64_t pitch = int64_t{t.cols} * t.channels;
  each_tile(p, t, [&](int oh, int ow, int height, int width) {
    fill_patch(p, t, x + channel, oh, ow, patch);
    const float* first = gradient + (int64_t{oh} * p.OW + ow) * p.OC + channel;
    for (int lane = 0; lane < t.channels; lane += kWidth) {
      const Tile tile{patch + lane,
                      first + lane,
                      height,
                      width,
                      t.channels - lane < kWidth ? t.channels - lane : kWidth,
                      p.stride_h * pitch,
                      int64_t{p.stride_w} * t.channels,
                      int64_t{p.OW} * p.OC,
                      p.OC,
                      p.dilation_h * pitch,
                      int64_t{p.dilation_w} * t.channels};
      add_tile(p, tile, sums + lane);
    }
  });
}

}  // namespace

bool is_depthwise(const Conv2dParams& p) {
  if (p.groups != p.IC || p.groups != p.OC || int64_t{p.KH} * p.KW > kMaxTaps) return false;
  const int64_t rows = int64_t{p.KH - 1} * p.dilation_h + 1;
  const int64_t cols = int64_t{p.KW - 1} * p.dilation_w + 1;
  return rows <= kLimits.floats && rows * cols * kChannels <= kLimits.floats;
}

void add_depthwise(const Conv2dPoolParams& p, const float* x, const float* grad_output, int64_t images,
                   float* grad_weight) {
  const int taps = p.KH * p.KW;
  alignas(64) float sums[kMaxTaps * kChannels];
  for (int channel = 0; channel < p.IC; channel += kChannels) {
    const int channels = p.IC - channel < kChannels ? p.IC - channel : kChannels;
    PatchTiling t{};
    tile_image(p, channels, kLimits, &t);
    zero_floats(sums, taps * kChannels);
    float* target = grad_weight + int64_t{channel} * taps;
    for (int i = 0; i < channels * taps; ++i) sums[i % taps * kChannels + i / taps] = target[i];
    for (int64_t n = 0; n < images; ++n) {
      add_image(p, t, x + n * p.IH * p.IW * p.IC, grad_output + n * p.OH * p.OW * p.OC, channel, sums);
    }
    for (int i = 0; i < channels * taps; ++i) target[i] = sums[i % taps * kChannels + i / taps];
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
