// 3x3 convolution with stride 1 by minimal filtering, F(2x2, 3x3) of Winograd (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2015): a tile of 2x2 outputs is A' [U * (B' d B)] A of the
// 4x4 inputs d under it, * being a product for each of 16 frequencies, which channels sum up. 16
// multiply-adds a tile and pair of channels instead of 36. Only additions and halves besides, and a
// sum of all channels and taps in 16 shorter ones: it rounds no more than the direct sum does, from some 16
// channels on less (test/ops/winograd.test.ts measures it).
//
// Some tiles at a time, as many as the registers hold sums for: their transformed inputs V [16][tiles][IC]
// stay in L1 and L2 while all frequencies and blocks of output channels pass, U [16][IC][OC] is read once for
// them. The products are blocks of tiles x two vectors of output channels, as in conv2d_correlation.cc.
//
// A tile's numbers depend on nothing but the tile, and sums run over channels in order: the bits are the same
// however tiles are cut into blocks, at every vector width.
#include <utility>

#include "../simd/stride.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_convolution.h"
#include "sums.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int kFrequencies = 16;
constexpr int kVectors = 2;
// Tiles of a block: with two vectors 28 sums of 32 registers, 12 of 16, 8 where code is compact.
constexpr int kMostTiles = kCompact ? 4 : (kRegisters - 3) / kVectors;
// Of transformed inputs on the stack, 112 kB: 14 tiles of 128 channels, one of 1792.
constexpr int kInputFloats = kFrequencies * kWinogradChannels;

// A part of a vector takes branches where there are no masks, and a tile has 16 of them.
__attribute__((noinline)) Vec load_rest(const float* p, int lanes) { return load_partial(p, lanes); }
__attribute__((noinline)) void store_rest(float* p, Vec v, int lanes) { store_partial(p, v, lanes); }

TWILL_INLINE Vec load_values(const float* p, int lanes) {
  return kCompact && lanes < kWidth ? load_rest(p, lanes) : load_lanes(p, lanes);
}
TWILL_INLINE void store_values(float* p, Vec v, int lanes) {
  if (kCompact && lanes < kWidth) {
    store_rest(p, v, lanes);
  } else {
    store_lanes(p, v, lanes);
  }
}

// A pixel outside the image.
alignas(64) float kPadding[kWinogradChannels];  // not const: zeros that a module does not hold

// Tiles side by side and one under the other; the last ones may hang over by a pixel.
struct Tiling {
  int rows, cols;

  explicit Tiling(const Conv2dParams& p) : rows((p.OH + 1) / 2), cols((p.OW + 1) / 2) {}
  int64_t count() const { return int64_t{rows} * cols; }
};

// B' x, its rows being (1 0 -1 0), (0 1 1 0), (0 -1 1 0), (0 1 0 -1).
TWILL_INLINE void filter_input(Vec a, Vec b, Vec c, Vec d, Vec (&to)[4]) {
  to[0] = sub(a, c);
  to[1] = add(b, c);
  to[2] = sub(c, b);
  to[3] = sub(b, d);
}

// A' x, its rows being (1 1 1 0), (0 1 -1 -1).
TWILL_INLINE void filter_output(Vec a, Vec b, Vec c, Vec d, Vec (&to)[2]) {
  to[0] = add(add(a, b), c);
  to[1] = sub(sub(b, c), d);
}

// V of one tile: B' d B. `target` is frequency 0, the others follow `plane` floats apart.
void transform_input(const Conv2dParams& p, const float* image, int top, int left, float* target,
                     int64_t plane) {
  const float* pixels[kFrequencies];
  for (int i = 0; i < kFrequencies; ++i) {
    const int ih = top + i / 4, iw = left + i % 4;
    const bool inside = static_cast<uint32_t>(ih) < static_cast<uint32_t>(p.IH) &&
                        static_cast<uint32_t>(iw) < static_cast<uint32_t>(p.IW);
    pixels[i] = inside ? image + (int64_t{ih} * p.IW + iw) * p.IC : kPadding;
  }
  const int64_t row = int64_t{p.IW} * p.IC;
  const float* ahead = image + (top + 4) * row + int64_t{left + 1} * p.IC;
  each_lanes(p.IC, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
    unroll<0, 4>([&](auto i) TWILL_INLINE_LAMBDA {
      __builtin_prefetch(ahead + i.value / 2 * row + i.value % 2 * p.IC + c);
    });
    Vec columns[4][4];
    unroll<0, 4>([&](auto j) TWILL_INLINE_LAMBDA {
      const auto d = [&](int i)
                         TWILL_INLINE_LAMBDA { return load_values(pixels[i * 4 + j.value] + c, lanes); };
      filter_input(d(0), d(1), d(2), d(3), columns[j.value]);
    });
    unroll<0, 4>([&](auto i) TWILL_INLINE_LAMBDA {
      Vec v[4];
      filter_input(columns[0][i.value], columns[1][i.value], columns[2][i.value], columns[3][i.value], v);
      unroll<0, 4>([&](auto j) TWILL_INLINE_LAMBDA {
        store_values(target + (i.value * 4 + j.value) * plane + c, v[j.value], lanes);
      });
    });
  });
}

// sums[tile][lane] = sum over channels of v[tile][channel] * u[channel][lane], for kTiles tiles and kCount
// vectors of lanes, the last of which has `tail` of them where kPartial.
template <int kTiles, int kCount, bool kPartial>
void multiply(const float* v, const float* u, int channels, int64_t u_channel, int tail, float* sums) {
  Vec sum[kTiles][kCount];
  unroll<0, kTiles * kCount>([&](auto i)
                                 TWILL_INLINE_LAMBDA { sum[i.value / kCount][i.value % kCount] = zero(); });
  const Stride by(channels);
  Stride::Pointers<kTiles> inputs(v, by);
  for (int channel = channels; channel > 0; --channel, u += u_channel) {
    Vec w[kCount];
    unroll<0, kCount>([&](auto i) TWILL_INLINE_LAMBDA {
      const float* at = u + i.value * kWidth;
      w[i.value] = kPartial && i.value + 1 == kCount ? load_partial(at, tail) : load(at);
    });
    unroll<0, kTiles>([&](auto t) TWILL_INLINE_LAMBDA {
      const Vec input = broadcast(*inputs.template pixel<t.value>(by));
      unroll<0, kCount>([&](auto i) TWILL_INLINE_LAMBDA {
        sum[t.value][i.value] = fma(input, w[i.value], sum[t.value][i.value]);
      });
    });
    inputs.advance();
  }
  unroll<0, kTiles * kCount>([&](auto i) TWILL_INLINE_LAMBDA {
    store(sums + (i.value / kCount * kVectors + i.value % kCount) * kWidth,
          sum[i.value / kCount][i.value % kCount]);
  });
}

using Multiply = void (*)(const float*, const float*, int, int64_t, int, float*);

// By tiles less one: of two vectors, of one, and of a part of one; where masks are free all may be partial.
// Blocks are as large as they can be but for the last ones.
struct Products {
  Multiply two[kMostTiles], one[kMostTiles], part[kMostTiles];
};

constexpr bool has_code(int tiles) {
  if (tiles == 1 || tiles == kMostTiles) return true;
  return !kCompact && (tiles == 2 || tiles == 4 || tiles == 7 || tiles == 10);
}

template <int kTiles>
constexpr void add_products(Products& products) {
  if constexpr (has_code(kTiles)) {
    products.two[kTiles - 1] = multiply<kTiles, 2, kMasksAreFree>;
    products.one[kTiles - 1] = multiply<kTiles, 1, kMasksAreFree>;
    products.part[kTiles - 1] = multiply<kTiles, 1, true>;
  }
}

template <int... kIndex>
constexpr Products make_products(std::integer_sequence<int, kIndex...>) {
  Products products = {};
  (add_products<kIndex + 1>(products), ...);
  return products;
}

constexpr Products kProducts = make_products(std::make_integer_sequence<int, kMostTiles>{});

// Where a tile's outputs go; `below` and `beside` where they lie in the image.
struct Outputs {
  float* y;
  bool below, beside;
};

// Output channels that are computed side by side, from lane 0 of `bias` and of a pixel of y on.
struct Lanes {
  const float* bias;
  int count;
  bool relu;
};

// y from the products of one tile, `plane` floats apart.
void transform_output(const Conv2dParams& p, const float* sums, int64_t plane, const Lanes& all,
                      const Outputs& tile) {
  const int64_t down = int64_t{p.OW} * p.OC, right = p.OC;
  each_lanes(all.count, [&](int64_t lane, int lanes) TWILL_INLINE_LAMBDA {
    const Vec bias = all.bias ? load_values(all.bias + lane, lanes) : zero();
    Vec columns[4][2];
    unroll<0, 4>([&](auto j) TWILL_INLINE_LAMBDA {
      const auto m = [&](int i) TWILL_INLINE_LAMBDA { return load(sums + (i * 4 + j.value) * plane + lane); };
      filter_output(m(0), m(1), m(2), m(3), columns[j.value]);
    });
    unroll<0, 2>([&](auto i) TWILL_INLINE_LAMBDA {
      if (i.value == 1 && !tile.below) return;
      Vec y[2];
      filter_output(columns[0][i.value], columns[1][i.value], columns[2][i.value], columns[3][i.value], y);
      unroll<0, 2>([&](auto j) TWILL_INLINE_LAMBDA {
        if (j.value == 1 && !tile.beside) return;
        const Vec sum = add(y[j.value], bias);
        store_values(tile.y + i.value * down + j.value * right + lane, all.relu ? relu(sum) : sum, lanes);
      });
    });
  });
}

// Tiles [first, first + count) of the batch's, up to kMostTiles.
struct Block {
  const Conv2dParams& p;
  const Tiling tiling;
  int64_t first;
  int count;

  // body(which of the block, image, first row and column of its outputs)
  template <typename Body>
  TWILL_INLINE void each_tile(const Body& body) const {
    int64_t image = first / tiling.count();
    const int place = static_cast<int>(first % tiling.count());
    int row = place / tiling.cols, col = place % tiling.cols;
    for (int t = 0; t < count; ++t) {
      body(t, image, 2 * row, 2 * col);
      if (++col < tiling.cols) continue;
      col = 0;
      if (++row < tiling.rows) continue;
      row = 0;
      ++image;
    }
  }

  void transform_inputs(const float* x, float* v) const {
    each_tile([&](int t, int64_t image, int row, int col) TWILL_INLINE_LAMBDA {
      transform_input(p, x + image * p.IH * p.IW * p.IC, row - p.pad_h, col - p.pad_w, v + t * p.IC,
                      int64_t{count} * p.IC);
    });
  }

  // How many of the channels that remain are computed side by side.
  static int lanes_from(int rest) {
    if (rest >= kVectors * kWidth) return kVectors * kWidth;
    return rest > kWidth && !kMasksAreFree ? kWidth : rest;
  }

  void multiply_and_store(const float* v, const float* u, const float* bias, float* y) const {
    alignas(64) float sums[kFrequencies * kMostTiles * kVectors * kWidth];
    const int64_t plane = int64_t{count} * kVectors * kWidth;
    for (int oc = 0, lanes; oc < p.OC; oc += lanes) {
      lanes = lanes_from(p.OC - oc);
      const int tail = (lanes - 1) % kWidth + 1;
      const auto& products = lanes > kWidth ? kProducts.two : tail == kWidth ? kProducts.one : kProducts.part;
      const Multiply multiply = products[count - 1];
      for (int f = 0; f < kFrequencies; ++f) {
        multiply(v + int64_t{f} * count * p.IC, u + int64_t{f} * p.IC * p.OC + oc, p.IC, p.OC, tail,
                 sums + f * plane);
      }
      const Lanes all = {bias ? bias + oc : nullptr, lanes, p.relu != 0};
      each_tile([&](int t, int64_t image, int row, int col) TWILL_INLINE_LAMBDA {
        float* target = y + ((image * p.OH + row) * p.OW + col) * p.OC + oc;
        transform_output(p, sums + t * kVectors * kWidth, plane, all,
                         {target, row + 1 < p.OH, col + 1 < p.OW});
      });
    }
  }
};

}  // namespace

void conv2d_winograd(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<Conv2dParams>(work);
  const float* x = operand<const float>(work, 0);
  const float* u = operand<const float>(work, 1);
  const float* bias = operand<const float>(work, 2);
  float* y = operand<float>(work, 3);
  const Tiling tiling(p);
  // Of an image alone a band of rows of tiles, of several all.
  const RowRange rows = rows_of(work, tiling.rows);
  const int64_t first = (begin * tiling.rows + rows.begin) * tiling.cols;
  const int64_t last = ((end - 1) * tiling.rows + rows.end) * tiling.cols;
  const int fit = kInputFloats / (kFrequencies * p.IC), most = fit < kMostTiles ? fit : kMostTiles;
  alignas(64) float v[kInputFloats];
  for (int64_t tile = first; tile < last;) {
    int count = static_cast<int>(last - tile < most ? last - tile : most);
    while (!has_code(count)) --count;
    const Block block = {p, tiling, tile, count};
    block.transform_inputs(x, v);
    block.multiply_and_store(v, u, bias, y);
    tile += count;
  }
}

// U = G g G' of each pair of channels, rows of G being (1 0 0), (1/2 1/2 1/2), (1/2 -1/2 1/2), (0 0 1). A
// unit is one channel that is summed over. `adjoint`: of the convolution that gives the input's gradient,
// from the transposed weights, taps flipped.
void winograd_weight(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<WinogradWeightParams>(work);
  const int64_t tap = p.adjoint ? p.lanes : int64_t{p.count} * p.lanes;
  const int64_t plane = int64_t{p.count} * p.lanes;
  const Vec half = broadcast(0.5f);
  for (int64_t channel = begin; channel < end; ++channel) {
    const float* weight = operand<const float>(work, 0) + channel * p.lanes * (p.adjoint ? 9 : 1);
    float* target = operand<float>(work, 1) + channel * p.lanes;
    each_lanes(p.lanes, [&](int64_t lane, int lanes) TWILL_INLINE_LAMBDA {
      const auto g = [&](int i) TWILL_INLINE_LAMBDA {
        return load_values(weight + (p.adjoint ? 8 - i : i) * tap + lane, lanes);
      };
      const auto filtered = [&](Vec a, Vec b, Vec c, Vec(&to)[4]) TWILL_INLINE_LAMBDA {
        const Vec outer = add(a, c);
        to[0] = a;
        to[1] = mul(half, add(outer, b));
        to[2] = mul(half, sub(outer, b));
        to[3] = c;
      };
      Vec t[3][4];
      unroll<0, 3>([&](auto j) TWILL_INLINE_LAMBDA {
        filtered(g(j.value), g(3 + j.value), g(6 + j.value), t[j.value]);
      });
      unroll<0, 4>([&](auto i) TWILL_INLINE_LAMBDA {
        Vec row[4];
        filtered(t[0][i.value], t[1][i.value], t[2][i.value], row);
        unroll<0, 4>([&](auto j) TWILL_INLINE_LAMBDA {
          store_values(target + (i.value * 4 + j.value) * plane + lane, row[j.value], lanes);
        });
      });
    });
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
