// Loops over floats that a vector at a time passes by: the tail is a partial vector, so nothing past it is
// touched.
#pragma once

#include "../simd/unroll.h"

namespace twill {
namespace {

TWILL_INLINE simd::Vec load_lanes(const float* p, int lanes) {
  return lanes == simd::kWidth ? simd::load(p) : simd::load_partial(p, lanes);
}

// The same where it is known beforehand whether there are as many as a vector has.
template <bool kPartial>
TWILL_INLINE simd::Vec load_some(const float* p, int lanes) {
  return kPartial ? simd::load_partial(p, lanes) : simd::load(p);
}

TWILL_INLINE void store_lanes(float* p, simd::Vec v, int lanes) {
  if (lanes == simd::kWidth) {
    simd::store(p, v);
  } else {
    simd::store_partial(p, v, lanes);
  }
}

// body(i, lanes) for each vector of [begin, end).
template <typename Body>
TWILL_INLINE void each_vector(int64_t begin, int64_t end, const Body& body) {
  int64_t i = begin;
  for (; i + simd::kWidth <= end; i += simd::kWidth) body(i, simd::kWidth);
  if (i < end) body(i, static_cast<int>(end - i));
}

// The same with one body for whole and partial vectors: for long ones, since a module is downloaded.
template <typename Body>
TWILL_INLINE void each_lanes(int64_t begin, int64_t end, const Body& body) {
  for (int64_t i = begin; i < end; i += simd::kWidth) {
    body(i, end - i < simd::kWidth ? static_cast<int>(end - i) : simd::kWidth);
  }
}

// Where a value takes a maximum's place, by PyTorch's rules for pools: the first of equals stays, and every
// NaN wins over what came before it.
TWILL_INLINE simd::Mask beats(simd::Vec value, simd::Vec best) {
  return simd::either(simd::gt(value, best), simd::is_nan(value));
}

// Numbers too small to be normal become 0; all others stay, NaN included. A product with one takes some
// processors a hundred cycles.
constexpr float kSmallestNormal = 0x1p-126f;
TWILL_INLINE simd::Vec without_denormals(simd::Vec v) {
  const simd::Vec size = simd::max(v, simd::sub(simd::zero(), v));
  return simd::select(simd::gt(simd::broadcast(kSmallestNormal), size), simd::zero(), v);
}

inline bool all_finite(const float* values, int64_t count) {
  int bad = 0;
  for (int64_t i = 0; i < count; ++i) bad |= !(values[i] - values[i] == 0.0f);
  return !bad;
}

inline void copy_floats(float* target, const float* source, int64_t count) {
  each_vector(0, count, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    store_lanes(target + i, load_lanes(source + i, lanes), lanes);
  });
}

inline void zero_floats(float* target, int64_t count) {
  each_vector(0, count, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    store_lanes(target + i, simd::zero(), lanes);
  });
}

}  // namespace
}  // namespace twill
