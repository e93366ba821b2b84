// Blocks of R rows x V vectors stay in registers while the survivors pass by: each takes one broadcast, and R
// * V loads for as many FMAs. So the loads bound it: Sapphire Rapids does 2 of each a cycle, Zen 4 one, and
// 25 accumulators (a row of 5 taps by 16 channels, 5 times) take 27 loads for 25 FMAs. 28 of 32 registers
// hold sums, or 12 of 16, where baselines without FMA want one more for the product.
#include "conv2d_gradient_rows.h"

#include <utility>

#include "../simd/simd.h"
#include "../simd/unroll.h"
#include "accumulators.h"
#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int kMaxRows = kCompact ? 1 : 7;
constexpr int kMaxVectors = 10;

constexpr int most_vectors(int rows) {
  const int vectors = kAccumulators / rows;
  return vectors < kMaxVectors ? vectors : kMaxVectors;
}

// visit(r, v, pointer to the sums' place in the target)
template <int kRows, int kVectors, bool kPlaced, typename Visit>
TWILL_INLINE void each_vector_of(float* row, int64_t target_row, const int32_t* places, const Visit& visit) {
  unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
    row = opaque(row);
    unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
      visit(r, v, row + (kPlaced ? places[v.value] : v.value * kWidth));
    });
    row += target_row;
  });
}

template <int kRows, int kVectors, typename Visit>
TWILL_INLINE void each_sum(float* target, int64_t target_row, const int32_t* places, const Visit& visit) {
  if (places) {
    each_vector_of<kRows, kVectors, true>(target, target_row, places, visit);
  } else {
    each_vector_of<kRows, kVectors, false>(target, target_row, nullptr, visit);
  }
}

template <int kRows, int kVectors>
void accumulate_block(const RowLayout& layout, const int32_t* places, int tail, float* target,
                      const float* source, const Survivor* begin, const Survivor* end) {
  const int64_t source_row = layout.source_row;
  Vec sum[kRows][kVectors];
  each_sum<kRows, kVectors>(
      target, layout.target_row, places, [&](auto r, auto v, const float* at) TWILL_INLINE_LAMBDA {
        sum[r.value][v.value] = v.value + 1 < kVectors ? load(at) : load_lanes(at, tail);
      });
  for (const Survivor* s = begin; s != end; ++s) {
    const Vec gradient = broadcast(s->gradient);
    const float* row = source + s->offset;
    unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
      row = opaque(row);
      unroll<0, kVectors>([&](auto v) TWILL_INLINE_LAMBDA {
        Vec& to = sum[r.value][v.value];
        to = fma(gradient, load(row + v.value * kWidth), to);
      });
      row += source_row;
    });
  }
  each_sum<kRows, kVectors>(target, layout.target_row, places,
                            [&](auto r, auto v, float* at) TWILL_INLINE_LAMBDA {
                              if (v.value + 1 < kVectors) {
                                store(at, sum[r.value][v.value]);
                              } else {
                                store_lanes(at, sum[r.value][v.value], tail);
                              }
                            });
}

using BlockFunction = void (*)(const RowLayout&, const int32_t*, int, float*, const float*, const Survivor*,
                               const Survivor*);

template <int kRows, int... kIndex>
constexpr BlockFunction block_of(int vectors, std::integer_sequence<int, kIndex...>) {
  constexpr BlockFunction functions[] = {accumulate_block<kRows, kIndex + 1>...};
  return functions[vectors - 1];
}

struct Blocks {
  int most[kMaxRows];  // vectors of a block of so many rows
  BlockFunction of[kMaxRows][kMaxVectors];
};

template <int kRows>
constexpr void fill(Blocks& blocks) {
  blocks.most[kRows - 1] = most_vectors(kRows);
  for (int v = 1; v <= most_vectors(kRows); ++v) {
    blocks.of[kRows - 1][v - 1] = block_of<kRows>(v, std::make_integer_sequence<int, most_vectors(kRows)>{});
  }
}

template <int... kIndex>
constexpr Blocks make_blocks(std::integer_sequence<int, kIndex...>) {
  Blocks blocks{};
  (fill<kIndex + 1>(blocks), ...);
  return blocks;
}

constexpr Blocks kBlocks = make_blocks(std::make_integer_sequence<int, kMaxRows>{});

// Blocks of equal width: 6 vectors of which 5 fit are 3 and 3.
TWILL_INLINE int equal_share(int vectors, int most) {
  if (vectors <= most) return vectors;
  const int blocks = (vectors + most - 1) / most;
  return (vectors + blocks - 1) / blocks;
}

}  // namespace

void accumulate_rows(const RowLayout& layout, int rows, int length, float* target, const float* source,
                     const Survivor* survivors, int64_t count) {
  const int vectors = (length + kWidth - 1) / kWidth;
  const int tail = length - (vectors - 1) * kWidth;
  const Survivor* end = survivors + count;
  if (rows <= kMaxRows && vectors <= kBlocks.most[rows - 1]) {
    return kBlocks.of[rows - 1][vectors - 1](layout, layout.places, tail, target, source, survivors, end);
  }
  for (int row = 0; row < rows; row += kMaxRows) {
    const int height = rows - row < kMaxRows ? rows - row : kMaxRows;
    const int share = equal_share(vectors, kBlocks.most[height - 1]);
    for (int v = 0; v < vectors; v += share) {
      const int width = vectors - v < share ? vectors - v : share;
      kBlocks.of[height - 1][width - 1](layout, layout.places ? layout.places + v : nullptr,
                                        v + width == vectors ? tail : kWidth,
                                        target + row * layout.target_row + (layout.places ? 0 : v * kWidth),
                                        source + row * layout.source_row + v * kWidth, survivors, end);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
