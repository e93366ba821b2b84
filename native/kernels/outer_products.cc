// A block of S scalars x V vectors of sums stays in registers while the positions pass: S broadcasts and V
// loads for S * V multiply-adds. With two vectors and 8-14 scalars those are 10-16 loads for 16-28 FMAs,
// below what either Sapphire Rapids (2 and 2 a cycle) or Zen 4 (2 broadcasts or one zmm load, and one FMA)
// has to spare; a single vector takes a load for every FMA, embedded in it. 8 FMAs in flight (10 of AVX2)
// hide their latency.
#include "outer_products.h"

#include <utility>

#include "../simd/simd.h"
#include "../simd/unroll.h"
#include "accumulators.h"
#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int kMaxScalars = kAccumulators < 16 ? kAccumulators : 16;

// kRows rows of kCount scalars by kVectors vectors, the last of them partial where kPartial.
template <int kRows, int kCount, int kVectors, bool kPartial>
void add_block(const Positions& positions, const Scalars& scalars, const Walk& vectors, int tail,
               const Sums& sums) {
  Vec sum[kRows][kCount][kVectors];
  const auto whole = [](int v) { return !kPartial || v + 1 < kVectors; };
  const auto each = [&](const auto& visit) TWILL_INLINE_LAMBDA {
    float* row = sums.at;
    unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
      float* at = row;
      unroll<0, kCount>([&](auto s) TWILL_INLINE_LAMBDA {
        at = opaque(at);
        unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
          visit(sum[r.value][s.value][v.value], at + v.value * kWidth, v);
        });
        at += sums.scalar_step;
      });
      row += sums.row_step;
    });
  };
  if (sums.fresh) {
    each([&](Vec& to, const float*, auto) TWILL_INLINE_LAMBDA { to = zero(); });
  } else {
    each([&](Vec& to, const float* at, auto v)
             TWILL_INLINE_LAMBDA { to = whole(v.value) ? load(at) : load_partial(at, tail); });
  }
  const float* scalar_image = scalars.walk.at;
  const float* vector_image = vectors.at;
  for (int image = 0; image < positions.images; ++image) {
    const float* scalar_row = scalar_image;
    const float* vector_row = vector_image;
    for (int row = 0; row < positions.rows; ++row) {
      const float* from = scalar_row;
      const float* vector = vector_row;
      for (int col = positions.cols; col > 0; --col) {
        Vec g[kVectors];
        unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
          const float* at = vector + v.value * kWidth;
          g[v.value] = whole(v.value) ? load(at) : load_partial(at, tail);
        });
        const float* at = from;
        unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
          at = opaque(at);
          unroll<0, kCount>([&](auto s) TWILL_INLINE_LAMBDA {
            const Vec x = broadcast(at[s.value]);
            unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
              Vec& to = sum[r.value][s.value][v.value];
              to = fma(x, g[v.value], to);
            });
          });
          if (r.value + 1 < kRows) at += scalars.row_step;
        });
        from += scalars.walk.col;
        vector += vectors.col;
      }
      scalar_row += scalars.walk.row;
      vector_row += vectors.row;
    }
    scalar_image += scalars.walk.image;
    vector_image += vectors.image;
  }
  each([&](const Vec& from, float* at, auto v) TWILL_INLINE_LAMBDA {
    if (whole(v.value)) {
      store(at, from);
    } else {
      store_partial(at, from, tail);
    }
  });
}

using BlockFunction = void (*)(const Positions&, const Scalars&, const Walk&, int, const Sums&);

// Rows of scalars that a block takes: several only for the counts of common first layers (3x3, 5x5 and 7x7
// taps of one channel, 3x3 of three), as other blocks do not need them to fill the registers.
constexpr int rows_of(int count, int vectors) {
  if (kCompact || (count != 3 && count != 5 && count != 7 && count != 9)) return 1;
  const int rows = kAccumulators / (count * vectors);
  return rows < 1 ? 1 : rows < 7 ? rows : 7;
}

constexpr int kMaxPairs = kAccumulators / 2;

struct Blocks {
  BlockFunction single[2][kMaxScalars][7];  // [partial][count - 1][rows - 1]: one vector; null: no code
  BlockFunction pair[2][kMaxPairs][7];      // two; none of them partial in compact code
};

constexpr bool has_code(int count, int vectors) {
  const int most = vectors == 2 ? kMaxPairs : kMaxScalars;
  return !kCompact || count == most || count == 3 || count == 1;
}

template <bool kPartial, int kCount, int... kRow>
constexpr void fill_single(Blocks& blocks, std::integer_sequence<int, kRow...>) {
  ((blocks.single[kPartial][kCount - 1][kRow] =
        has_code(kCount, 1) ? add_block<kRow + 1, kCount, 1, kPartial> : nullptr),
   ...);
}

template <bool kPartial, int kCount, int... kRow>
constexpr void fill_pair(Blocks& blocks, std::integer_sequence<int, kRow...>) {
  ((blocks.pair[kPartial][kCount - 1][kRow] =
        has_code(kCount, 2) ? add_block<kRow + 1, kCount, 2, kPartial> : nullptr),
   ...);
}

template <bool kPartial, int... kSingle, int... kPair>
constexpr void fill(Blocks& blocks, std::integer_sequence<int, kSingle...>,
                    std::integer_sequence<int, kPair...>) {
  (fill_single<kPartial, kSingle + 1>(blocks, std::make_integer_sequence<int, rows_of(kSingle + 1, 1)>{}),
   ...);
  if constexpr (kCompact && kPartial) return;
  (fill_pair<kPartial, kPair + 1>(blocks, std::make_integer_sequence<int, rows_of(kPair + 1, 2)>{}), ...);
}

constexpr Blocks make_blocks() {
  Blocks blocks{};
  constexpr std::make_integer_sequence<int, kMaxScalars> singles{};
  constexpr std::make_integer_sequence<int, kMaxPairs> pairs{};
  fill<true>(blocks, singles, pairs);
  if constexpr (!kMasksAreFree) fill<false>(blocks, singles, pairs);
  return blocks;
}

constexpr Blocks kBlocks = make_blocks();

// The equal parts, none above `most`, that `count` falls into.
int equal_share(int count, int most) {
  const int parts = (count + most - 1) / most;
  return (count + parts - 1) / parts;
}

void add_blocks(const Positions& positions, const Scalars& scalars, const Walk& vectors, int lanes,
                const Sums& sums) {
  for (int lane = 0, step = 0; lane < lanes; lane += step) {
    const bool pair = lanes - lane >= (kCompact ? 2 * kWidth : kWidth + 1);
    step = pair ? 2 * kWidth : kWidth;
    const int left = lanes - lane - step + kWidth;
    const int tail = left < kWidth ? left : kWidth;
    const bool partial = kMasksAreFree || tail < kWidth;
    const Walk vector{vectors.at + lane, vectors.image, vectors.row, vectors.col};
    const int most = pair ? kMaxPairs : kMaxScalars;
    const int share = kCompact ? most : equal_share(scalars.count, most);
    for (int first = 0, count; first < scalars.count; first += count) {
      count = scalars.count - first < share ? scalars.count - first : share;
      while (!has_code(count, pair ? 2 : 1)) --count;
      const int height = equal_share(scalars.rows, rows_of(count, pair ? 2 : 1));
      for (int row = 0; row < scalars.rows; row += height) {
        const int rows = scalars.rows - row < height ? scalars.rows - row : height;
        Scalars block = scalars;
        block.walk.at += row * scalars.row_step + first;
        const Sums to{sums.at + row * sums.row_step + first * sums.scalar_step + lane, sums.row_step,
                      sums.scalar_step, sums.fresh};
        const auto& blocks = pair ? kBlocks.pair[partial][count - 1] : kBlocks.single[partial][count - 1];
        blocks[rows - 1](positions, block, vector, tail, to);
      }
    }
  }
}

// Lanes that do not fill a vector, with the parts exchanged: scalars in the lanes, lanes broadcast. The sums
// are turned on the way in and out.
void add_exchanged(const Positions& positions, const Scalars& scalars, const Walk& vectors, int lanes,
                   const Sums& sums) {
  constexpr int kBlock = 2 * kWidth;
  float turned[kWidth * kBlock];
  for (int row = 0; row < scalars.rows; ++row) {
    for (int first = 0; first < scalars.count; first += kBlock) {
      const int count = scalars.count - first < kBlock ? scalars.count - first : kBlock;
      Walk walk = scalars.walk;
      walk.at += row * scalars.row_step + first;
      float* at = sums.at + row * sums.row_step + first * sums.scalar_step;
      for (int i = 0; i < count; ++i) {
        for (int lane = 0; lane < lanes; ++lane) {
          turned[lane * kBlock + i] = sums.fresh ? 0.0f : at[i * sums.scalar_step + lane];
        }
      }
      add_blocks(positions, {vectors, 1, lanes, 0}, walk, count, {turned, 0, kBlock, false});
      for (int i = 0; i < count; ++i) {
        for (int lane = 0; lane < lanes; ++lane) at[i * sums.scalar_step + lane] = turned[lane * kBlock + i];
      }
    }
  }
}

// Whether that takes a fifth less arithmetic, over so many positions that turning the sums does not matter.
bool prefers_exchange(const Positions& positions, int scalars, int lanes) {
  if (int64_t{positions.images} * positions.rows * positions.cols < 32) return false;
  return 5 * ((scalars + kWidth - 1) / kWidth * lanes) <= 4 * scalars;
}

}  // namespace

void add_outer_products(const Positions& positions, const Scalars& scalars, const Walk& vectors, int lanes,
                        const Sums& sums) {
  const int rest = lanes % kWidth;
  if (rest == 0 || !prefers_exchange(positions, scalars.count, rest)) {
    return add_blocks(positions, scalars, vectors, lanes, sums);
  }
  const int whole = lanes - rest;
  if (whole > 0) add_blocks(positions, scalars, vectors, whole, sums);
  const Walk tail{vectors.at + whole, vectors.image, vectors.row, vectors.col};
  add_exchanged(positions, scalars, tail, rest,
                {sums.at + whole, sums.row_step, sums.scalar_step, sums.fresh});
}

}  // namespace TWILL_ISA
}  // namespace twill
