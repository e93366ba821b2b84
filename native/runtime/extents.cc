#include "extents.h"

#include <initializer_list>

namespace twill {
namespace {

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

Extents inconsistent(const char* parameter) {
  Extents result;
  result.inconsistent = parameter;
  return result;
}

bool flag(int32_t value) { return value == 0 || value == 1; }

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
bool conv_axis(const Axis& a) {
  return a.positive() && a.moderate() && a.reach() <= a.padded() &&
         a.output == (a.padded() - a.reach()) / a.stride + 1;
}

// Pooling: in ceil mode the last window may reach past the padded image, but starts before its right padding.
bool pool_axis(const Axis& a) {
  return a.positive() && a.moderate() && a.reach() < a.padded() + a.stride &&
         (a.output - 1) * a.stride < a.input + a.pad;
}

const char* check(const Conv2dParams& p) {
  if (p.groups < 1) return "groups";
  if (p.IC < 1 || p.IC % p.groups) return "IC";
  if (p.OC < 1 || p.OC % p.groups) return "OC";
  if (!flag(p.relu)) return "relu";
  if (!conv_axis({p.IH, p.OH, p.KH, p.stride_h, p.pad_h, p.dilation_h})) return "OH";
  if (!conv_axis({p.IW, p.OW, p.KW, p.stride_w, p.pad_w, p.dilation_w})) return "OW";
  return nullptr;
}

// The pooled convolution's parameters begin with the plain one's.
const Conv2dParams& plain(const Conv2dPoolParams& p) { return *reinterpret_cast<const Conv2dParams*>(&p); }

const char* check(const Conv2dPoolParams& p) {
  if (const char* parameter = check(plain(p))) return parameter;
  if (p.pool_h < 1 || p.pool_h > p.OH) return "pool_h";
  if (p.pool_w < 1 || p.pool_w > p.OW) return "pool_w";
  if (product(p.pool_h, p.pool_w) > 254) return "pool_w";
  if (p.PH != p.OH / p.pool_h) return "PH";
  if (p.PW != p.OW / p.pool_w) return "PW";
  return nullptr;
}

const char* check(const MaxPool2dParams& p) {
  if (p.C < 1) return "C";
  if (!pool_axis({p.IH, p.OH, p.KH, p.stride_h, p.pad_h, p.dilation_h})) return "OH";
  if (!pool_axis({p.IW, p.OW, p.KW, p.stride_w, p.pad_w, p.dilation_w})) return "OW";
  return nullptr;
}

const char* check(const ImageParams& p) {
  if (p.C < 1) return "C";
  if (p.H < 1) return "H";
  if (p.W < 1) return "W";
  if (!flag(p.u8)) return "u8";
  return nullptr;
}

const char* check(const MapParams& p) { return p.size < 1 ? "size" : nullptr; }
const char* check(const AddParams& p) { return p.size < 1 ? "size" : !flag(p.relu) ? "relu" : nullptr; }
const char* check(const LinearParams& p) { return p.IN < 1 ? "IN" : p.OUT < 1 ? "OUT" : nullptr; }
const char* check(const CrossEntropyParams& p) {
  return p.classes < 1 ? "classes" : !flag(p.sum) ? "sum" : nullptr;
}
const char* check(const SgdParams& p) { return p.count < 1 ? "count" : nullptr; }

const char* check(const PeakFmaParams& p) {
  if (p.count < 1) return "count";
  return p.rounds < 1 || p.rounds > 1 << 20 ? "rounds" : nullptr;
}

const char* check(const PeakCopyParams& p) { return p.count < 1 ? "count" : nullptr; }

const char* check(const TransposeParams& p) {
  if (p.groups < 1) return "groups";
  if (p.taps < 1) return "taps";
  if (p.IC < 1) return "IC";
  if (p.OC < 1) return "OC";
  if (p.count != product(p.groups, p.OC)) return "count";
  return nullptr;
}

const char* check(const ReduceParams& p) {
  if (p.count < 1) return "count";
  if (p.slice_stride < p.count) return "slice_stride";
  if (!flag(p.accumulate)) return "accumulate";
  return nullptr;
}

int64_t input_size(const Conv2dParams& p) { return product(p.IC, p.IH, p.IW); }
int64_t output_size(const Conv2dParams& p) { return product(p.OC, p.OH, p.OW); }
int64_t pooled_size(const Conv2dPoolParams& p) { return product(p.OC, p.PH, p.PW); }
int64_t weight_size(const Conv2dParams& p) { return product(p.KH, p.KW, p.IC / p.groups, p.OC); }
int64_t input_size(const MaxPool2dParams& p) { return product(p.C, p.IH, p.IW); }
int64_t output_size(const MaxPool2dParams& p) { return product(p.C, p.OH, p.OW); }
int64_t size(const ImageParams& p) { return product(p.C, p.H, p.W); }

// One function a kernel, named as in kernels.inc, its operands in the order of the signature.

Extents import_images(const ImageParams& p, int32_t) {
  return extents(image(size(p), p.u8 ? 1 : 4), image(size(p)));
}

Extents export_images(const ImageParams& p, int32_t) {
  if (p.u8) return inconsistent("u8");
  return extents(image(size(p)), image(size(p)));
}

Extents conv2d_forward(const Conv2dParams& p, int32_t) {
  return extents(image(input_size(p)), fixed(weight_size(p)), fixed(p.OC), image(output_size(p)));
}

Extents conv2d_backward_input(const Conv2dParams& p, int32_t) {
  return extents(image(output_size(p)), fixed(weight_size(p)), image(input_size(p)));
}

Extents conv2d_backward_weight(const Conv2dParams& p, int32_t) {
  return extents(image(input_size(p)), image(output_size(p)), fixed(weight_size(p)), fixed(p.OC));
}

Extents conv2d_pool_forward(const Conv2dPoolParams& p, int32_t) {
  return extents(image(input_size(plain(p))), fixed(weight_size(plain(p))), fixed(p.OC),
                 image(pooled_size(p)), image(pooled_size(p), 1));
}

Extents conv2d_pool_backward_input(const Conv2dPoolParams& p, int32_t) {
  return extents(image(pooled_size(p)), image(pooled_size(p), 1), fixed(weight_size(plain(p))),
                 image(input_size(plain(p))));
}

Extents conv2d_pool_backward_weight(const Conv2dPoolParams& p, int32_t) {
  return extents(image(input_size(plain(p))), image(pooled_size(p)), image(pooled_size(p), 1),
                 fixed(weight_size(plain(p))), fixed(p.OC));
}

Extents max_pool2d_forward(const MaxPool2dParams& p, int32_t) {
  return extents(image(input_size(p)), image(output_size(p)), image(output_size(p)));
}

Extents max_pool2d_backward(const MaxPool2dParams& p, int32_t) {
  return extents(image(output_size(p)), image(output_size(p)), image(input_size(p)));
}

Extents relu_forward(const MapParams& p, int32_t) { return extents(image(p.size), image(p.size)); }
Extents relu_backward(const MapParams& p, int32_t) {
  return extents(image(p.size), image(p.size), image(p.size));
}
Extents add_forward(const AddParams& p, int32_t) {
  return extents(image(p.size), image(p.size), image(p.size));
}
Extents copy_into(const MapParams& p, int32_t) { return extents(image(p.size), image(p.size)); }
Extents add_into(const MapParams& p, int32_t) { return extents(image(p.size), image(p.size)); }

Extents linear_forward(const LinearParams& p, int32_t) {
  return extents(image(p.IN), fixed(product(p.IN, p.OUT)), fixed(p.OUT), image(p.OUT));
}

Extents linear_backward_input(const LinearParams& p, int32_t) {
  return extents(image(p.OUT), fixed(product(p.IN, p.OUT)), image(p.IN));
}

Extents linear_backward_weight(const LinearParams& p, int32_t) {
  return extents(image(p.IN), image(p.OUT), fixed(product(p.IN, p.OUT)), fixed(p.OUT));
}

Extents cross_entropy_forward(const CrossEntropyParams& p, int32_t) {
  return extents(image(p.classes), image(1), image(1), image(1), image(p.classes));
}

Extents weight_transpose(const TransposeParams& p, int32_t) {
  const Extent weight = fixed(product(p.groups, p.taps, p.IC, p.OC));
  return extents(weight, weight);
}

Extents reduce_partials(const ReduceParams& p, int32_t max_slices) {
  const int64_t floats = static_cast<int64_t>(max_slices - 1) * p.slice_stride + p.count;  // < 2^62
  return extents(Extent{floats < kImpossible / 4 ? floats * 4 : kImpossible, 0}, fixed(p.count));
}

Extents sgd_update(const SgdParams& p, int32_t) {
  constexpr int64_t kHyper = 6;
  return extents(fixed(p.count), fixed(p.count), fixed(p.count), fixed(kHyper), image(1));
}

Extents peak_fma(const PeakFmaParams& p, int32_t) { return extents(fixed(p.count)); }
Extents peak_copy(const PeakCopyParams& p, int32_t) { return extents(fixed(p.count), fixed(p.count)); }

using ExtentsFunction = Extents (*)(const int32_t* params, int32_t max_slices);

template <typename Params, Extents (*kernel)(const Params&, int32_t)>
Extents checked(const int32_t* words, int32_t max_slices) {
  const Params& params = *reinterpret_cast<const Params*>(words);
  if (const char* parameter = check(params)) return inconsistent(parameter);
  return kernel(params, max_slices);
}

constexpr ExtentsFunction kExtents[] = {
#define TWILL_KERNEL(name, domain, Params, operands) checked<Params, name>,
#include "../kernels/kernels.inc"
#undef TWILL_KERNEL
};

}  // namespace

Extents kernel_extents(int32_t kernel, const int32_t* params, int32_t max_slices) {
  return kExtents[kernel](params, max_slices);
}

}  // namespace twill
