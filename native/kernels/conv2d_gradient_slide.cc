// A position's sums are R rows x T taps x D vectors of its 16 channels; the next position has all but one
// tap's in common with it. So a position loads and stores R * D sums where a block of its own
// (conv2d_gradient_rows.cc) would load and store R * T * D, at 5x5 taps as much as the multiply-adds of its 4
// survivors or so: Zen 4 stores half a zmm a cycle, Sapphire Rapids one. The registers are renamed rather
// than moved, 6 a cycle.
//
// Sums of pixels outside the image are carried along and dropped.
#include "conv2d_gradient_slide.h"

#include <utility>

#include "../simd/simd.h"
#include "../simd/unroll.h"
#include "accumulators.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int kTapVectors = kSlideChannels / kWidth;

// Vectors of a tap in a block: as many as leave room for one row.
constexpr int depth_of(int taps) {
  int depth = kTapVectors;
  while (depth > 1 && depth * taps > kAccumulators) depth /= 2;
  return depth;
}

constexpr int rows_of(int taps) {
  const int rows = kAccumulators / (depth_of(taps) * taps);
  return rows < 7 ? rows : 7;
}

template <int kRows, int kTaps>
struct Block {
  static constexpr int kDepth = depth_of(kTaps);
  Vec sum[kRows][kTaps][kDepth];

  // visit(sum, pointer) for the sums of tap kTap, whose pixel's first row is at `pixel`.
  template <int kTap, typename Visit>
  TWILL_INLINE void each_of_tap(float* pixel, int64_t target_row, const Visit& visit) {
    unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
      unroll<0, kDepth>(
          [&](auto d) TWILL_INLINE_LAMBDA { visit(sum[r.value][kTap][d.value], pixel + d.value * kWidth); });
      pixel += target_row;
    });
  }

  template <int kTap>
  TWILL_INLINE void load_tap(float* pixel, int64_t target_row) {
    each_of_tap<kTap>(pixel, target_row, [](Vec& to, const float* at) TWILL_INLINE_LAMBDA { to = load(at); });
  }

  template <int kTap>
  TWILL_INLINE void store_tap(float* pixel, int64_t target_row) {
    each_of_tap<kTap>(pixel, target_row,
                      [](const Vec& from, float* at) TWILL_INLINE_LAMBDA { store(at, from); });
  }

  TWILL_INLINE void add(const Survivor* begin, const Survivor* end, const float* source, int64_t source_row) {
    for (const Survivor* s = begin; s != end; ++s) {
      const Vec gradient = broadcast(s->gradient);
      const float* row = source + s->offset;
      unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
        row = opaque(row);
        unroll<0, kTaps>([&](auto t) TWILL_INLINE_LAMBDA {
          unroll<0, kDepth>([&](auto d) TWILL_INLINE_LAMBDA {
            Vec& to = sum[r.value][t.value][d.value];
            to = fma(gradient, load(row + t.value * kSlideChannels + d.value * kWidth), to);
          });
        });
        row += source_row;
      });
    }
  }

  TWILL_INLINE void shift() {
    unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
      unroll<0, kTaps - 1>([&](auto t) TWILL_INLINE_LAMBDA {
        unroll<0, kDepth>([&](auto d) TWILL_INLINE_LAMBDA {
          sum[r.value][t.value][d.value] = sum[r.value][t.value + 1][d.value];
        });
      });
    });
  }
};

template <int kRows, int kTaps>
void slide_block(const RowLayout& layout, const Slide& slide, float* target, const float* source) {
  const int64_t target_row = layout.target_row;
  const int64_t target_col = slide.target_col;
  const auto inside = [&](int pixel) { return pixel >= slide.begin && pixel < slide.end; };
  Block<kRows, kTaps> block;
  unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
    unroll<0, kTaps>([&](auto t) TWILL_INLINE_LAMBDA {
      unroll<0, Block<kRows, kTaps>::kDepth>(
          [&](auto d) TWILL_INLINE_LAMBDA { block.sum[r.value][t.value][d.value] = zero(); });
    });
  });
  unroll<0, kTaps>([&](auto t) TWILL_INLINE_LAMBDA {
    if (inside(t.value)) block.template load_tap<t.value>(target + t.value * target_col, target_row);
  });
  const Survivor* survivor = slide.survivors;
  for (int i = 0; i < slide.positions; ++i) {
    const Survivor* end = slide.survivors + slide.ends[i];
    block.add(survivor, end, source, layout.source_row);
    survivor = end;
    if (inside(i)) block.template store_tap<0>(target, target_row);
    block.shift();
    target += target_col;
    if (inside(i + kTaps)) block.template load_tap<kTaps - 1>(target + (kTaps - 1) * target_col, target_row);
  }
  unroll<0, kTaps - 1>([&](auto t) TWILL_INLINE_LAMBDA {
    if (inside(slide.positions + t.value))
      block.template store_tap<t.value>(target + t.value * target_col, target_row);
  });
}

using BlockFunction = void (*)(const RowLayout&, const Slide&, float*, const float*);

struct Blocks {
  int rows, depth;
  BlockFunction of[7];
};

template <int kTaps, int... kIndex>
constexpr Blocks make_blocks(std::integer_sequence<int, kIndex...>) {
  return {rows_of(kTaps), depth_of(kTaps), {slide_block<kIndex + 1, kTaps>...}};
}

template <int kTaps>
constexpr Blocks kBlocks = make_blocks<kTaps>(std::make_integer_sequence<int, rows_of(kTaps)>{});

}  // namespace

bool can_slide(int taps) { return taps == 3 || taps == 5 || taps == 7; }

void slide_rows(const RowLayout& layout, int rows, int taps, const Slide& slide, const float* source) {
  const Blocks& blocks = taps == 3 ? kBlocks<3> : taps == 5 ? kBlocks<5> : kBlocks<7>;
  for (int row = 0; row < rows; row += blocks.rows) {
    const int height = rows - row < blocks.rows ? rows - row : blocks.rows;
    for (int channel = 0; channel < kSlideChannels; channel += blocks.depth * kWidth) {
      blocks.of[height - 1](layout, slide, slide.target + row * layout.target_row + channel,
                            source + row * layout.source_row + channel);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
