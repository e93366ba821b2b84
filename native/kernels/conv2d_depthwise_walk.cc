// An input serves one sum of each tap, so fed from memory each multiply-add takes a load or two. A walk loads
// R inputs (of one column, a row each) and T weights for each row of taps, and makes R * T multiply-adds of
// them: the column belongs to T outputs of each row, whose sums are all open.
//
//   32 registers  3 taps x 7 rows: 21 sums + 7 inputs + 1 weight = 29. 10 loads for 21 FMAs.
//                 5 taps x 5 rows: 25 sums + 5 inputs + 1 weight = 31. 10 loads for 25.
//   16 registers  3 taps x 3 rows: 9 sums + 3 inputs + 1 weight = 13. 6 loads for 9.
//                 5 taps x 2 rows: 10 sums + 2 inputs + 1 weight = 13. 7 loads for 10.
//
// Where there is no FMA the product takes one more. Two load ports and two FMA ports: FMAs are the limit, and
// 9 sums hide their latency of 4 cycles. As the walk goes on, sums move from register to register, which
// renaming makes free.
//
// What comes next is fetched as the walk goes on, for one vector of each pixel is a line in four or eight,
// which the hardware's prefetching does not foresee: with stride 1 the rows after these, which on batches
// larger than L2 halves the time; with stride 2, whose rows do not fit into L1, the next columns. Not where
// outputs are apart, as they are in the input gradient of a stride: other walks have read the same rows.
//
// Of rows at the border, only the first and last few of a walk look whether their taps lie in the image.
//
// So a sum runs over columns of taps and then over rows, the other way round than in conv2d_correlation.cc.
// Columns outside the image are passed by; rows outside it count as zeros.
#include "conv2d_depthwise_walk.h"

#include <utility>

#include "../simd/stride.h"
#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {
namespace {

using namespace simd;

// kOpen: outputs of a row that a column belongs to, at most.
template <int kTaps, int kStride>
constexpr int kOpen = (kTaps + kStride - 1) / kStride;

constexpr int kMostRows = kCompact ? 3 : 7;

// Rows at either end of a walk that may have taps outside the image: those of "same" padding.
template <int kTaps>
constexpr int kEdge = kTaps < 4 ? 1 : kTaps / 2;

template <int kTaps, int kStride, bool kPartial>
constexpr int most_rows() {
  // A part of a vector takes branches where there are no masks: it goes row by row, which is less code.
  if (kPartial && !kMasksAreFree) return 1;
  const int rows = (kRegisters - (kFused ? 1 : 2)) / (kOpen<kTaps, kStride> + 1);
  return rows < kMostRows ? rows : kMostRows;
}

// One column of inputs, x being under the first row of taps: sum[o][r] += the inputs of row r times the taps
// of the o-th output to come, the first of which meets the column with `last_tap`. kLooking rows at either
// end look whether they are in the image.
template <int kOutputs, int kStride, int kRows, int kLooking, bool kPartial, int kSums>
TWILL_INLINE void add_column(const Walk& w, const Stride& x_by, const float* x, const float* last_tap,
                             Vec (&sum)[kSums][kRows]) {
  for (int kh = 0, row = w.top; kh < w.rows.taps; ++kh, row += w.rows.step) {
    const Stride::Pointers<kRows> pixels(x, x_by);
    Vec input[kRows];
    unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
      constexpr bool kLooks = r.value < kLooking || r.value >= kRows - kLooking;
      const bool inside = !kLooks || static_cast<uint32_t>(row + r.value * w.rows.stride) <
                                         static_cast<uint32_t>(w.rows.size);
      input[r.value] = inside ? load_some<kPartial>(pixels.template pixel<r.value>(x_by), w.lanes) : zero();
      hold(input[r.value]);
    });
    unroll<0, kOutputs>([&](auto o) TWILL_INLINE_LAMBDA {
      const Vec tap = load(last_tap - o.value * kStride * kWidth);
      unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
        sum[o.value][r.value] = fma(input[r.value], tap, sum[o.value][r.value]);
      });
    });
    x += w.x_tap_row;
    last_tap += w.cols.taps * kWidth;
  }
}

template <int kTaps, int kStride, int kRows, bool kBorder, bool kPartial>
void walk_rows(const Walk& walk) {
  constexpr int kSums = kOpen<kTaps, kStride>;
  const Walk w = walk;  // a copy, for stores may alias the original
  const Stride x_by(w.x_row), y_by(w.y_row);
  const Vec start = w.bias ? load_some<kPartial>(w.bias, w.lanes) : zero();
  Vec sum[kSums][kRows];  // of the output to be completed next, and of those after it
  unroll<0, kSums * kRows>([&](auto i)
                               TWILL_INLINE_LAMBDA { sum[i.value / kRows][i.value % kRows] = start; });

  // From a column to what is fetched beside it.
  const bool first_reader = w.y_col <= w.x_col;
  const int64_t ahead = kStride == 1 ? (w.rows.taps - 1) * w.x_tap_row + kRows * w.x_row : kStride * w.x_col;

  // Each step takes the kStride columns that complete an output; the first steps only open sums.
  int output = 1 - kSums;
  int col = w.cols.origin + (w.first + output) * kStride + kTaps - kStride;
  const float* x = w.x + col * w.x_col;
  float* y = w.y + output * w.y_col;
  for (; output < w.count; ++output, col += kStride, x += kStride * w.x_col, y += w.y_col) {
    unroll<0, kStride>([&](auto ahead) TWILL_INLINE_LAMBDA {
      if (static_cast<uint32_t>(col + ahead.value) >= static_cast<uint32_t>(w.cols.size)) return;
      constexpr int kLastTap = kTaps - kStride + ahead.value;  // of the output to be completed
      add_column<kLastTap / kStride + 1, kStride, kRows, kBorder ? kEdge<kTaps> : 0, kPartial>(
          w, x_by, x + ahead.value * w.x_col, w.weight + kLastTap * kWidth, sum);
    });
    if (first_reader) {
      unroll<0, kStride * kStride>([&](auto i) TWILL_INLINE_LAMBDA {
        const float* line = x + i.value % kStride * w.x_col + i.value / kStride * w.x_tap_row + ahead;
        const Stride::Pointers<kRows> next(opaque(line), x_by);
        unroll<0, kRows>([&](auto r)
                             TWILL_INLINE_LAMBDA { __builtin_prefetch(next.template pixel<r.value>(x_by)); });
      });
    }
    if (output >= 0) {
      const Stride::Pointers<kRows> outputs(y, y_by);
      unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
        float* to = const_cast<float*>(outputs.template pixel<r.value>(y_by));
        const Vec result = w.relu ? relu(sum[0][r.value]) : sum[0][r.value];
        if (kPartial)
          store_partial(to, result, w.lanes);
        else
          store(to, result);
      });
    }
    unroll<0, kSums>([&](auto o) TWILL_INLINE_LAMBDA {
      unroll<0, kRows>([&](auto r) TWILL_INLINE_LAMBDA {
        sum[o.value][r.value] = o.value + 1 < kSums ? sum[(o.value + 1) % kSums][r.value] : start;
      });
    });
  }
}

struct Table {
  WalkFunction of[kMostRows];
};

template <int kTaps, int kStride, bool kBorder, bool kPartial, int... kIndex>
constexpr Table make_table(std::integer_sequence<int, kIndex...>) {
  return {{walk_rows<kTaps, kStride, kIndex + 1, kBorder, kPartial>...}};
}

template <int kTaps, int kStride, bool kBorder, bool kPartial>
constexpr Table kTable = make_table<kTaps, kStride, kBorder, kPartial>(
    std::make_integer_sequence<int, most_rows<kTaps, kStride, kPartial>()>{});

// Only whole vectors of 3 taps have code of their own away from the border: to look costs others next to
// nothing, and the code is a third of all.
template <int kTaps, int kStride, bool kPartial>
constexpr Walks kWalks = {most_rows<kTaps, kStride, kPartial>(), kEdge<kTaps>,
                          kTable<kTaps, kStride, kPartial || kTaps != 3, kPartial>.of,
                          kTable<kTaps, kStride, true, kPartial>.of};

template <bool kPartial>
Walks walks_for(int taps, int stride) {
  if (stride == 1) {
    switch (taps) {
      case 1:
        return kWalks<1, 1, kPartial>;
      case 2:
        return kWalks<2, 1, kPartial>;
      case 3:
        return kWalks<3, 1, kPartial>;
      case 5:
        return kWalks<5, 1, kPartial>;
      case 7:
        return kWalks<7, 1, kPartial>;
    }
  } else if (stride == 2) {
    switch (taps) {
      case 3:
        return kWalks<3, 2, kPartial>;
      case 5:
        return kWalks<5, 2, kPartial>;
    }
  }
  return {};
}

}  // namespace

Walks walks_for(const Axis& cols, bool partial) {
  if (cols.step != 1) return {};
  return partial ? walks_for<true>(cols.taps, cols.stride) : walks_for<false>(cols.taps, cols.stride);
}

}  // namespace TWILL_ISA
}  // namespace twill
