// What goes over the elements of parameters, and the benches' kernels.
#include "../kernels/update.h"
#include "extents_of.h"

namespace twill {
namespace extents_of {

const char* check(const UpdateParams& p) { return p.count < 1 ? "count" : nullptr; }

const char* check(const GradientSquaresParams& p) {
  if (p.gradients < 1) return "gradients";
  return p.count != (int64_t{p.gradients} + kSquaresPiece - 1) / kSquaresPiece ? "count" : nullptr;
}

const char* check(const ClipParams& p) {
  if (p.count < 1) return "count";
  return p.pieces < 0 ? "pieces" : nullptr;
}

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

Extents weight_transpose(const TransposeParams& p, int32_t) {
  const Extent weight = fixed(product(p.groups, p.taps, p.IC, p.OC));
  return extents(weight, weight);
}

Extents reduce_partials(const ReduceParams& p, int32_t max_slices) {
  return extents(partial_sums(p.count, p.slice_stride, max_slices), fixed(p.count));
}

Extents sgd_update(const UpdateParams& p, int32_t) {
  const Extent floats = fixed(p.count);
  return extents(floats, floats, floats, fixed(kHyperFloats), image(1), fixed(1));
}

Extents adam_update(const UpdateParams& p, int32_t) {
  const Extent floats = fixed(p.count);
  return extents(floats, floats, floats, floats, floats, fixed(kHyperFloats), image(1), fixed(1));
}

Extents rmsprop_update(const UpdateParams& p, int32_t) {
  const Extent floats = fixed(p.count);
  return extents(floats, floats, floats, floats, floats, fixed(kHyperFloats), image(1), fixed(1));
}

Extents average_update(const UpdateParams& p, int32_t) {
  return extents(fixed(p.count), fixed(p.count), fixed(kHyperFloats), image(1), fixed(1));
}

Extents gradient_squares(const GradientSquaresParams& p, int32_t) {
  return extents(fixed(p.gradients), fixed(p.count, sizeof(double)));
}

Extents clip_gradients(const ClipParams& p, int32_t) {
  constexpr int64_t kLimits = 2;
  return extents(fixed(p.count), fixed(p.pieces, sizeof(double)), fixed(kLimits), fixed(1));
}

Extents peak_fma(const PeakFmaParams& p, int32_t) { return extents(fixed(p.count)); }
Extents peak_copy(const PeakCopyParams& p, int32_t) { return extents(fixed(p.count), fixed(p.count)); }

}  // namespace extents_of
}  // namespace twill
