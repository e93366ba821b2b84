// Convolutions, with and without a pool.
#include "extents_of.h"

namespace twill {
namespace extents_of {

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
static const Conv2dParams& plain(const Conv2dPoolParams& p) {
  return *reinterpret_cast<const Conv2dParams*>(&p);
}

const char* check(const Conv2dPoolParams& p) {
  if (const char* parameter = check(plain(p))) return parameter;
  return pool_windows(p.OH, p.OW, p.pool_h, p.pool_w, p.PH, p.PW);
}

static int64_t input_size(const Conv2dParams& p) { return product(p.IC, p.IH, p.IW); }
static int64_t output_size(const Conv2dParams& p) { return product(p.OC, p.OH, p.OW); }
static int64_t pooled_size(const Conv2dPoolParams& p) { return product(p.OC, p.PH, p.PW); }
static int64_t weight_size(const Conv2dParams& p) { return product(p.KH, p.KW, p.IC / p.groups, p.OC); }

Extents conv2d_forward(const Conv2dParams& p, int32_t) {
  return extents(image(input_size(p)), fixed(weight_size(p)), fixed(p.OC), image(output_size(p)));
}

Extents conv2d_backward_input(const Conv2dParams& p, int32_t) {
  return extents(image(output_size(p)), fixed(weight_size(p)), image(input_size(p)));
}

Extents conv2d_backward_weight(const Conv2dParams& p, int32_t) {
  return extents(image(input_size(p)), image(output_size(p)), fixed(weight_size(p)), fixed(p.OC));
}

// Each channel by itself, with taps that its kernels have room for: the parameter that is wrong, or null.
static const char* depthwise(const Conv2dParams& p) {
  if (p.IC != p.groups) return "IC";
  if (p.OC != p.groups) return "OC";
  return product(p.KH, p.KW) > kDepthwiseTaps ? "KW" : nullptr;
}

Extents conv2d_depthwise_forward(const Conv2dParams& p, int32_t max_slices) {
  if (const char* parameter = depthwise(p)) return inconsistent(parameter);
  return conv2d_forward(p, max_slices);
}

Extents conv2d_depthwise_backward_input(const Conv2dParams& p, int32_t max_slices) {
  if (const char* parameter = depthwise(p)) return inconsistent(parameter);
  return conv2d_backward_input(p, max_slices);
}

Extents conv2d_depthwise_backward_weight(const Conv2dParams& p, int32_t max_slices) {
  if (const char* parameter = depthwise(p)) return inconsistent(parameter);
  return conv2d_backward_weight(p, max_slices);
}

const char* check(const WinogradWeightParams& p) {
  if (p.count < 1) return "count";
  if (p.lanes < 1) return "lanes";
  return flag(p.adjoint) ? nullptr : "adjoint";
}

Extents conv2d_winograd(const Conv2dParams& p, int32_t) {
  if (p.KH != 3 || p.KW != 3) return inconsistent("KH");
  if (p.stride_h != 1 || p.stride_w != 1) return inconsistent("stride_h");
  if (p.dilation_h != 1 || p.dilation_w != 1) return inconsistent("dilation_h");
  if (p.groups != 1) return inconsistent("groups");
  if (p.IC > kWinogradChannels) return inconsistent("IC");
  return extents(image(input_size(p)), fixed(product(16, p.IC, p.OC)), fixed(p.OC), image(output_size(p)));
}

Extents winograd_weight(const WinogradWeightParams& p, int32_t) {
  return extents(fixed(product(9, p.count, p.lanes)), fixed(product(16, p.count, p.lanes)));
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

}  // namespace extents_of
}  // namespace twill
