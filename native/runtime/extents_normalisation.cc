// Batch normalisation, and that of images by themselves.
#include "extents_of.h"

namespace twill {
namespace extents_of {

const char* check(const BatchNormParams& p) {
  if (p.C < 1) return "C";
  return p.positions < 1 ? "positions" : !flag(p.relu) ? "relu" : nullptr;
}

const char* check(const BatchNormMomentsParams& p) {
  if (p.C < 1) return "C";
  return p.positions < 1 ? "positions" : p.slice_stride < product(2, p.C) ? "slice_stride" : nullptr;
}

const char* check(const BatchNormRunningParams& p) { return p.C < 1 ? "C" : nullptr; }

const char* check(const BatchNormTermsParams& p) {
  if (p.C < 1) return "C";
  if (p.positions < 1) return "positions";
  return p.slice_stride < p.C ? "slice_stride" : !flag(p.training) ? "training" : nullptr;
}

const char* check(const BatchNormUpdateParams& p) {
  return p.count != 1 ? "count" : p.C < 1 ? "C" : !flag(p.cumulative) ? "cumulative" : nullptr;
}

const char* check(const BatchNormFoldParams& p) {
  if (p.groups < 1) return "groups";
  if (p.rows < 1) return "rows";
  return p.OC < 1 ? "OC" : p.count != product(p.groups, p.rows) ? "count" : nullptr;
}

const char* check(const BatchNormPoolParams& p) {
  if (p.C < 1) return "C";
  if (!flag(p.relu)) return "relu";
  return pool_windows(p.H, p.W, p.pool_h, p.pool_w, p.PH, p.PW);
}

const char* check(const GroupNormParams& p) {
  if (p.C < 1) return "C";
  return p.positions < 1 ? "positions" : p.groups < 1 || p.C % p.groups ? "groups" : nullptr;
}

static Extent values(const BatchNormParams& p) { return image(product(p.C, p.positions)); }
static Extent values(const BatchNormPoolParams& p) { return image(product(p.C, p.H, p.W)); }
static Extent pooled(const BatchNormPoolParams& p, int64_t bytes = 4) {
  return image(product(p.C, p.PH, p.PW), bytes);
}
// Three numbers a channel: statistics and terms.
static Extent three(int64_t C) { return fixed(product(3, C)); }

Extents batch_norm_statistics(const BatchNormParams& p, int32_t) {
  return extents(values(p), fixed(product(2, p.C)));
}

Extents batch_norm_moments(const BatchNormMomentsParams& p, int32_t max_slices) {
  return extents(partial_sums(2 * int64_t{p.C}, p.slice_stride, max_slices), three(p.C));
}

Extents batch_norm_running(const BatchNormRunningParams& p, int32_t) {
  return extents(fixed(p.C), fixed(p.C), three(p.C));
}

Extents batch_norm_forward(const BatchNormParams& p, int32_t) {
  return extents(values(p), three(p.C), fixed(p.C), fixed(p.C), values(p));
}

Extents batch_norm_backward_sums(const BatchNormParams& p, int32_t) {
  return extents(values(p), values(p), three(p.C), fixed(p.C), fixed(p.C), fixed(p.C), fixed(p.C));
}

Extents batch_norm_terms(const BatchNormTermsParams& p, int32_t max_slices) {
  const Extent sums = partial_sums(p.C, p.slice_stride, max_slices);
  return extents(sums, sums, three(p.C), fixed(p.C), three(p.C));
}

Extents batch_norm_backward(const BatchNormParams& p, int32_t) {
  return extents(values(p), values(p), three(p.C), fixed(p.C), fixed(p.C), three(p.C), values(p));
}

Extents batch_norm_update(const BatchNormUpdateParams& p, int32_t) {
  return extents(three(p.C), fixed(p.C), fixed(p.C), fixed(1), image(1));
}

Extents batch_norm_fold(const BatchNormFoldParams& p, int32_t) {
  const Extent weight = fixed(product(p.count, p.OC));
  const int64_t OC = product(p.groups, p.OC);
  return extents(weight, fixed(OC), three(OC), fixed(OC), fixed(OC), weight, fixed(OC));
}

Extents batch_norm_pool_forward(const BatchNormPoolParams& p, int32_t) {
  return extents(values(p), three(p.C), fixed(p.C), fixed(p.C), pooled(p), pooled(p, 1), pooled(p));
}

Extents batch_norm_pool_backward(const BatchNormPoolParams& p, int32_t) {
  return extents(values(p), pooled(p), pooled(p, 1), three(p.C), three(p.C), values(p));
}

// An image's: two numbers where it is one group, else three a channel.
static Extent statistics(const GroupNormParams& p) { return image(p.groups == 1 ? 2 : product(3, p.C)); }

Extents group_norm_forward(const GroupNormParams& p, int32_t) {
  const Extent values = image(product(p.C, p.positions));
  return extents(values, fixed(p.C), fixed(p.C), values, statistics(p));
}

Extents group_norm_backward(const GroupNormParams& p, int32_t) {
  const Extent values = image(product(p.C, p.positions));
  return extents(values, values, statistics(p), fixed(p.C), image(product(2, p.C)), values, fixed(p.C),
                 fixed(p.C));
}

}  // namespace extents_of
}  // namespace twill
