// Sums over the values of images, in orders that do not depend on the vector's width: lanes are channels, or
// columns that values are dealt out to.
#pragma once

#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// The sum of term(0) + ... + term(count - 1) in four chains, for an addition waits 3-4 cycles for the last.
template <typename Term>
TWILL_INLINE simd::Vec sum_of(int64_t count, const Term& term) {
  simd::Vec a = simd::zero(), b = simd::zero(), c = simd::zero(), d = simd::zero();
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    a = simd::add(a, term(i));
    b = simd::add(b, term(i + 1));
    c = simd::add(c, term(i + 2));
    d = simd::add(d, term(i + 3));
  }
  for (; i < count; ++i) a = simd::add(a, term(i));
  return simd::add(simd::add(a, b), simd::add(c, d));
}

// body(first position, count) for blocks of positions, some 16 kB of C channels each.
template <typename Body>
TWILL_INLINE void each_block(int64_t begin, int64_t end, int64_t C, const Body& body) {
  constexpr int64_t kFloats = 4096, kLeast = 16;
  const int64_t most = kFloats / C > kLeast ? kFloats / C : kLeast;
  for (int64_t at = begin; at < end; at += most) body(at, end - at < most ? end - at : most);
}

struct TwoSums {
  double first, second;
};

struct TwoTerms {
  simd::Vec first, second;
};

// The first `lanes` of v, and zeros.
inline simd::Vec lanes_of(simd::Vec v, int lanes) {
  float own[simd::kWidth];
  simd::store(own, v);
  return simd::load_partial(own, lanes);
}

// Sums of the two terms that elements 0..count-1 have. They lie side by side, so they are dealt out to
// columns as many as the widest vector has, in two chains each; the columns are added up in order, in double.
template <typename Terms>
TWILL_INLINE TwoSums sums_of_row(int64_t count, const Terms& terms) {
  constexpr int64_t kColumns = 16, kBlock = 4096;
  static_assert(kColumns % simd::kWidth == 0);
  float first[kColumns] = {}, second[kColumns] = {};
  for (int64_t block = 0; block < count; block += kBlock) {
    const int64_t end = count - block < kBlock ? count : block + kBlock;
    for (int64_t column = 0; column < kColumns; column += simd::kWidth) {
      TwoTerms even = {simd::load(first + column), simd::load(second + column)};
      TwoTerms odd = {simd::zero(), simd::zero()};
      const auto take = [&](TwoTerms& sums, int64_t i) TWILL_INLINE_LAMBDA {
        const TwoTerms own = terms(i, simd::kWidth);
        sums = {simd::add(sums.first, own.first), simd::add(sums.second, own.second)};
      };
      int64_t i = block + column;
      for (; i + kColumns + simd::kWidth <= end; i += 2 * kColumns) {
        take(even, i);
        take(odd, i + kColumns);
      }
      // What is left, of which some columns have none: a column's own order is the same at every width.
      for (int turn = 0; i < end; ++turn, i += kColumns) {
        const int lanes = static_cast<int>(end - i < simd::kWidth ? end - i : simd::kWidth);
        const TwoTerms own = terms(i, lanes);
        TwoTerms& sums = turn == 0 ? even : odd;
        sums = {simd::add(sums.first, lanes_of(own.first, lanes)),
                simd::add(sums.second, lanes_of(own.second, lanes))};
      }
      simd::store(first + column, simd::add(even.first, odd.first));
      simd::store(second + column, simd::add(even.second, odd.second));
    }
  }
  TwoSums all = {0, 0};
  for (int column = 0; column < kColumns; ++column) {
    all.first += static_cast<double>(first[column]);
    all.second += static_cast<double>(second[column]);
  }
  return all;
}

// Sums of the two terms of each channel over an image's positions, into first[C] and second[C].
template <typename Terms>
TWILL_INLINE void sums_of_channels(int64_t positions, int64_t C, float* first, float* second,
                                   const Terms& terms) {
  each_block(0, positions, C, [&](int64_t at, int64_t count) TWILL_INLINE_LAMBDA {
    each_vector(0, C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      TwoTerms even = {simd::zero(), simd::zero()}, odd = even;
      const auto take = [&](TwoTerms& sums, int64_t position) TWILL_INLINE_LAMBDA {
        const TwoTerms own = terms(position * C + c, c, lanes);
        sums = {simd::add(sums.first, own.first), simd::add(sums.second, own.second)};
      };
      int64_t i = at;
      for (; i + 2 <= at + count; i += 2) {
        take(even, i);
        take(odd, i + 1);
      }
      if (i < at + count) take(even, i);
      const auto sum = [&](float* target, simd::Vec own) TWILL_INLINE_LAMBDA {
        store_lanes(target + c, at == 0 ? own : simd::add(load_lanes(target + c, lanes), own), lanes);
      };
      sum(first, simd::add(even.first, odd.first));
      sum(second, simd::add(even.second, odd.second));
    });
  });
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
