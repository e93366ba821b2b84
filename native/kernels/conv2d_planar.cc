// Few output channels would leave most of a vector empty, so here its lanes are neighbouring pixels: the
// input is copied channel by channel, padding and all, and a block of L channels x V vectors of pixels stays
// in registers while taps and input channels pass, V loads and L broadcasts for L * V multiply-adds. With one
// channel that is a load for each, and most of them cross a cache line, which halves the rate; from two on
// the FMA ports are the limit. A vector of output channels would have kWidth / L times the arithmetic.
//
// The copy costs a store for 4 floats (16 of whole vectors are turned at a time), each of which then serves
// taps * L / kWidth multiply-adds.
//
// Sums run over tap rows, tap columns, channels, as everywhere. Taps on padding multiply zeros.
#include <utility>

#include "../simd/lookup.h"
#include "../simd/unroll.h"
#include "conv2d_correlation.h"
#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int kMaxLanes = kWidth / 2;
constexpr int kPatchFloats = 8192;  // 32 KB, of an L1 of 32 or 48
constexpr int kTileFloats = 2048;   // the sums of a piece, 8 KB

constexpr int max_vectors(int lanes) {
  const int vectors = (kRegisters - 2) / (lanes + 1);
  return vectors < 8 ? vectors : 8;
}

// A piece of the target with the input under it: patch[channel][row][pitch], tile[lane][plane].
struct Piece {
  int rows, cols, pitch, vectors;
  bool flat;            // vectors run on over the ends of rows; else each row begins a new one
  int64_t patch_plane;  // floats of one input channel
  int64_t tile_plane;   // floats of one output channel

  Piece(const Correlation& c, int rows, int cols)
      : rows(rows), cols(cols), pitch(cols + (c.cols.taps - 1) * c.cols.step) {
    const int row_vectors = div_up(cols, kWidth);
    flat = c.rows.stride == 1 && pitch < row_vectors * kWidth;
    vectors = flat ? div_up((rows - 1) * pitch + cols, kWidth) : rows * row_vectors;
    patch_plane = (int64_t{rows - 1} * c.rows.stride + int64_t{c.rows.taps - 1} * c.rows.step + 1) * pitch;
    tile_plane = int64_t{vectors} * kWidth;
  }

  int tile_row() const { return flat ? pitch : vectors / rows * kWidth; }
};

// The highest piece of so many columns that fits on the stack, of equal ones; 0 rows where not one does.
int rows_that_fit(const Correlation& c, int lanes, int rows, int cols) {
  const int64_t pitch = cols + int64_t{c.cols.taps - 1} * c.cols.step;
  const int64_t reach = int64_t{c.rows.taps - 1} * c.rows.step + 1;
  const int64_t patch_rows = kPatchFloats / (pitch * c.channels);
  const int64_t tile_rows = kTileFloats / lanes / (div_up(cols, kWidth) * kWidth);
  if (patch_rows < reach || tile_rows < 1) return 0;
  int64_t most = (patch_rows - reach) / c.rows.stride + 1;
  if (tile_rows < most) most = tile_rows;
  return most < rows ? div_up(rows, div_up(rows, static_cast<int>(most))) : rows;
}

// In FMAs of a vector, for one row: a vector of pixels takes one a lane and tap, the copy about 2 for each
// vector of the input.
int64_t row_cost(const Correlation& c, int lanes, const Piece& piece) {
  const int64_t sums = int64_t{piece.vectors} * lanes * c.rows.taps * c.cols.taps;
  return (sums + (c.x_col == 1 ? 0 : 2 * piece.patch_plane)) / piece.rows;
}

// The cheapest piece, by a pixel; 0 rows where none fits.
Piece choose_piece(const Correlation& c, int lanes, int rows, int cols) {
  Piece best(c, 0, 1);
  int64_t best_cost = 0;
  for (int parts = div_up(cols, 64), width = cols; width >= kWidth || parts == 1; ++parts) {
    width = div_up(cols, parts);
    const int height = rows_that_fit(c, lanes, rows, width);
    if (height == 0) continue;
    const Piece piece(c, height, width);
    const int64_t cost = row_cost(c, lanes, piece) * 1024 / width;
    if (best.rows > 0 && cost >= best_cost) continue;
    best = piece;
    best_cost = cost;
  }
  return best;
}

// Four pixels' channels to four floats a channel.
void turn_pixels(const float* x, int64_t x_col, int channels, float* patch, int64_t plane) {
  for (int channel = 0; channel < channels; channel += kWidth) {
    const int count = channels - channel < kWidth ? channels - channel : kWidth;
    float turned[4 * kWidth];
    const float* at = x + channel;
    interleave(turned, load_lanes(at, count), load_lanes(at + x_col, count),
               load_lanes(at + 2 * x_col, count), load_lanes(at + 3 * x_col, count));
    float* to = patch + channel * plane;
    for (int i = 0; i < count; ++i, to += plane) __builtin_memcpy(to, turned + 4 * i, 4 * sizeof(float));
  }
}

// The input under the piece whose first row and column of taps begin at (top, left); zeros outside the image,
// and past the end, where whole vectors are read.
void fill_patch(const Correlation& c, const Piece& piece, const float* x, int top, int left, float* patch) {
  zero_floats(patch, piece.patch_plane * c.channels + kWidth);
  const int begin = left < 0 ? -left : 0;
  const int end = c.cols.size - left < piece.pitch ? c.cols.size - left : piece.pitch;
  const int rows = static_cast<int>(piece.patch_plane / piece.pitch);
  for (int row = 0; row < rows; ++row) {
    const int ih = top + row;
    if (ih < 0 || ih >= c.rows.size) continue;
    const float* source = x + ih * c.x_row + (left + begin) * c.x_col;
    float* target = patch + row * piece.pitch + begin;
    if (c.x_col == 1) {
      if (begin < end) copy_floats(target, source, end - begin);
      continue;
    }
    int col = begin;
    for (; col + 4 <= end; col += 4, source += 4 * c.x_col, target += 4)
      turn_pixels(source, c.x_col, c.channels, target, piece.patch_plane);
    for (; col < end; ++col, source += c.x_col, ++target)
      for (int channel = 0; channel < c.channels; ++channel)
        target[channel * piece.patch_plane] = source[channel];
  }
}

// The taps that meet some of the pixels of a block, and where their weights and inputs lie.
struct Taps {
  int rows, cols, channels;
  const float* patch;  // of the first row of taps
  int64_t patch_row, patch_col, patch_channel;
  const float* weight;
  int64_t w_row, w_col, w_channel;
};

// tile[lane][v] = bias + the sums for kVectors vectors of pixels that lie at `offsets` in the patch.
template <int kLanes, int kVectors>
void sum_block(const Taps& taps, const int32_t* offsets, const float* bias, bool relu, float* tile,
               int64_t tile_plane) {
  const Taps t = taps;  // a copy, for stores may alias the original
  Vec sum[kLanes][kVectors];
  unroll<0, kLanes>([&](auto l) TWILL_INLINE_LAMBDA {
    const Vec value = bias ? broadcast(bias[l.value]) : zero();
    unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA { sum[l.value][v.value] = value; });
  });
  int64_t at[kVectors];
  unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA { at[v.value] = offsets[v.value]; });
  for (int kh = 0; kh < t.rows; ++kh) {
    for (int kw = 0; kw < t.cols; ++kw) {
      const float* x = t.patch + kh * t.patch_row + kw * t.patch_col;
      const float* weight = t.weight + kh * t.w_row + kw * t.w_col;
      for (int channel = t.channels; channel > 0; --channel, x += t.patch_channel, weight += t.w_channel) {
        Vec input[kVectors];
        unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA { input[v.value] = load(x + at[v.value]); });
        unroll<0, kLanes>([&](auto l) TWILL_INLINE_LAMBDA {
          const Vec w = broadcast(weight[l.value]);
          unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
            sum[l.value][v.value] = fma(input[v.value], w, sum[l.value][v.value]);
          });
        });
      }
    }
  }
  unroll<0, kLanes>([&](auto l) TWILL_INLINE_LAMBDA {
    unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
      const Vec value = sum[l.value][v.value];
      store(tile + l.value * tile_plane + v.value * kWidth, relu ? simd::relu(value) : value);
    });
  });
}

using BlockFunction = void (*)(const Taps&, const int32_t*, const float*, bool, float*, int64_t);

struct Blocks {
  BlockFunction of[kMaxLanes][8];  // [lanes - 1][vectors - 1]
};

template <int kLanes, int... kIndex>
constexpr void fill(Blocks& blocks, std::integer_sequence<int, kIndex...>) {
  ((blocks.of[kLanes - 1][kIndex] = sum_block<kLanes, kIndex + 1>), ...);
}

template <int... kIndex>
constexpr Blocks make_blocks(std::integer_sequence<int, kIndex...>) {
  Blocks blocks{};
  (fill<kIndex + 1>(blocks, std::make_integer_sequence<int, max_vectors(kIndex + 1)>{}), ...);
  return blocks;
}

constexpr Blocks kBlocks = make_blocks(std::make_integer_sequence<int, kMaxLanes>{});

// All sums of a piece, `top` being the input row of its first one under the first tap.
void sum_piece(const Correlation& c, const Lanes& lanes, const Piece& piece, int top, const float* patch,
               const float* bias, bool relu, float* tile) {
  int32_t offsets[kTileFloats / kWidth];
  const int row_vectors = piece.vectors / piece.rows;
  for (int v = 0; v < piece.vectors; ++v) {
    offsets[v] =
        piece.flat ? v * kWidth : v / row_vectors * c.rows.stride * piece.pitch + v % row_vectors * kWidth;
  }
  const int blocks = div_up(piece.vectors, max_vectors(lanes.count)), share = div_up(piece.vectors, blocks);
  for (int first = 0; first < piece.vectors; first += share) {
    const int count = piece.vectors - first < share ? piece.vectors - first : share;
    const auto row_of = [&](int position) {
      const int row = position / piece.tile_row();
      return row < piece.rows ? row : piece.rows - 1;
    };
    // The first row meets the last taps, the last row the first ones.
    const int first_row = row_of(first * kWidth), last_row = row_of((first + count) * kWidth - 1);
    const int begin = taps_inside(c.rows, top + last_row * c.rows.stride).begin;
    const int end = taps_inside(c.rows, top + first_row * c.rows.stride).end;
    const int64_t patch_row = int64_t{c.rows.step} * piece.pitch;
    const Taps taps{begin < end ? end - begin : 0,
                    c.cols.taps,
                    c.channels,
                    patch + begin * patch_row,
                    patch_row,
                    c.cols.step,
                    piece.patch_plane,
                    lanes.weight + begin * c.w_row,
                    c.w_row,
                    c.w_col,
                    c.w_channel};
    kBlocks.of[lanes.count - 1][count - 1](taps, offsets + first, bias, relu, tile + first * kWidth,
                                           piece.tile_plane);
  }
}

// Up to four channels of kWidth pixels of a tile, put side by side.
template <int kChannels>
TWILL_INLINE void store_pixels(const float* tile, int64_t plane, int count, float* y, int64_t y_col) {
  const auto channel = [&](int i) { return i < kChannels ? load(tile + i * plane) : zero(); };
  float turned[4 * kWidth];
  interleave(turned, channel(0), channel(1), channel(2), channel(3));
  for (int i = 0; i < count; ++i, y += y_col) __builtin_memcpy(y, turned + 4 * i, kChannels * sizeof(float));
}

// One row of a tile, turned to pixels of `lanes` channels.
void store_row(const float* tile, int64_t plane, int lanes, int cols, float* y, int64_t y_col) {
  if (y_col == 1) return copy_floats(y, tile, cols);
  for (int col = 0; col < cols; col += kWidth, tile += kWidth, y += kWidth * y_col) {
    const int count = cols - col < kWidth ? cols - col : kWidth;
    int lane = 0;
    for (; lane + 4 <= lanes; lane += 4) store_pixels<4>(tile + lane * plane, plane, count, y + lane, y_col);
    if (lanes - lane == 3) store_pixels<3>(tile + lane * plane, plane, count, y + lane, y_col);
    if (lanes - lane == 2) store_pixels<2>(tile + lane * plane, plane, count, y + lane, y_col);
    if (lanes - lane == 1) store_pixels<1>(tile + lane * plane, plane, count, y + lane, y_col);
  }
}

}  // namespace

// Against a vector of output channels, which takes an FMA a pixel, input channel and tap on the image; where
// they share it with another vector's channels, it comes at less than that.
bool prefers_planar(const Correlation& c, int lanes, bool shared) {
  if (lanes > kMaxLanes || c.cols.stride != 1 || c.cols.taps == 0 || c.rows.taps == 0) return false;
  const Piece piece = choose_piece(c, lanes, c.rows.count, c.cols.count);
  if (piece.rows == 0) return false;
  int64_t across = 0;
  for (int col = 0; col < c.cols.count; ++col) {
    const Range taps = taps_inside(c.cols, c.cols.origin + col);
    across += taps.end - taps.begin;
  }
  const int64_t planar = row_cost(c, lanes, piece) * div_up(c.cols.count, piece.cols);
  return 3 * planar < (shared ? 2 : 3) * across * c.rows.taps;
}

void correlate_planar(const Correlation& c, const Lanes& lanes, const float* x, const float* bias,
                      const Target& target) {
  alignas(64) float patch[kPatchFloats + kWidth];
  alignas(64) float tile[kTileFloats + kWidth];
  const Piece most = choose_piece(c, lanes.count, target.rows, target.cols);
  for (int col = 0; col < target.cols; col += most.cols) {
    const int cols = target.cols - col < most.cols ? target.cols - col : most.cols;
    for (int row = 0; row < target.rows; row += most.rows) {
      const Piece piece(c, target.rows - row < most.rows ? target.rows - row : most.rows, cols);
      const int top = c.rows.origin + (target.row + row) * c.rows.stride;
      fill_patch(c, piece, x + lanes.x_channel, top, c.cols.origin + target.col + col, patch);
      sum_piece(c, lanes, piece, top, patch, bias, target.relu, tile);
      float* y = target.y + row * target.y_row + col * target.y_col;
      for (int i = 0; i < piece.rows; ++i, y += target.y_row)
        store_row(tile + i * piece.tile_row(), piece.tile_plane, lanes.count, cols, y, target.y_col);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
