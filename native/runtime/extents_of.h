// What the checks of kernels' parameters and the sizes of their operands are written with. A family's are in
// extents_<family>.cc: for each struct of parameters `check`, which names the first that does not go with the
// others, and for each kernel a function of its name, with its operands in the order of the signature.
#pragma once

#include <initializer_list>

#include "../kernels/kernels.h"
#include "extents.h"

namespace twill {
namespace extents_of {

#define TWILL_KERNEL(name, domain, Params, operands) \
  const char* check(const Params& p);                \
  Extents name(const Params& p, int32_t max_slices);
#include "../kernels/kernels.inc"
#undef TWILL_KERNEL

// No tensor of one image and no parameter has more elements than an int32 can count, so that kernels may
// index within one by int32. Products stop there: 2^31 * 2^31 still fits an int64.
constexpr int64_t kTooMany = int64_t{1} << 31;

template <typename... Sizes>
int64_t product(Sizes... sizes) {
  int64_t result = 1;
  for (const int64_t size : {static_cast<int64_t>(sizes)...}) {
    result *= size;
    if (result > kTooMany) result = kTooMany;
  }
  return result;
}

constexpr int64_t kImpossible = int64_t{1} << 61;  // more bytes than any buffer holds

constexpr int64_t bytes_of(int64_t elements, int64_t bytes) {
  return elements < kTooMany ? elements * bytes : kImpossible;
}
constexpr Extent image(int64_t elements, int64_t bytes = 4) { return {0, bytes_of(elements, bytes)}; }
constexpr Extent fixed(int64_t elements, int64_t bytes = 4) { return {bytes_of(elements, bytes), 0}; }

template <typename... Operands>
Extents extents(Operands... operands) {
  static_assert(sizeof...(operands) <= kMaxOperands);
  Extents result;
  for (const Extent& operand : {operands...}) result.operands[result.count++] = operand;
  return result;
}

inline Extents inconsistent(const char* parameter) {
  Extents result;
  result.inconsistent = parameter;
  return result;
}

// `count` floats of every slice's partial sums, `slice_stride` apart, as who adds them up sees them.
inline Extent partial_sums(int64_t count, int32_t slice_stride, int32_t max_slices) {
  const int64_t floats = (int64_t{max_slices} - 1) * slice_stride + count;  // < 2^63
  return {floats < kImpossible / 4 ? floats * 4 : kImpossible, 0};
}

inline bool flag(int32_t value) { return value == 0 || value == 1; }

// One axis of a sliding window: sizes in which no kernel's index arithmetic leaves an int32.
struct Axis {
  int64_t input, output, kernel, stride, pad, dilation;

  bool positive() const {
    return input > 0 && output > 0 && kernel > 0 && stride > 0 && pad >= 0 && dilation > 0;
  }
  int64_t padded() const { return input + 2 * pad; }
  int64_t reach() const { return dilation * (kernel - 1) + 1; }  // pixels that a window spans
  bool moderate() const {
    constexpr int64_t kLimit = int64_t{1} << 28;
    return input < kLimit && pad < kLimit && kernel < kLimit && dilation < kLimit && stride < kLimit &&
           reach() < kLimit;
  }
};

// Convolution: windows lie within the padded image, floor mode.
inline bool conv_axis(const Axis& a) {
  return a.positive() && a.moderate() && a.reach() <= a.padded() &&
         a.output == (a.padded() - a.reach()) / a.stride + 1;
}

// Pooling: in ceil mode the last window may reach past the padded image, but starts before its right padding.
inline bool pool_axis(const Axis& a) {
  return a.positive() && a.moderate() && a.reach() < a.padded() + a.stride &&
         (a.output - 1) * a.stride < a.input + a.pad;
}

// Pooling windows that do not overlap, of which a byte holds the place beside 255: the parameter that is
// wrong, or null.
inline const char* pool_windows(int32_t H, int32_t W, int32_t pool_h, int32_t pool_w, int32_t PH,
                                int32_t PW) {
  if (pool_h < 1 || pool_h > H) return "pool_h";
  if (pool_w < 1 || pool_w > W || product(pool_h, pool_w) > 254) return "pool_w";
  if (PH != H / pool_h) return "PH";
  return PW != W / pool_w ? "PW" : nullptr;
}

}  // namespace extents_of
}  // namespace twill
