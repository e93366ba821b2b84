// Average pools, padding, concatenation, biases.
#include "extents_of.h"

namespace twill {
namespace extents_of {

// A window of one size, as those of max-pools but without dilation.
static bool avg_pool_axis(bool adaptive, int64_t input, int64_t output, int64_t kernel, int64_t stride,
                          int64_t pad) {
  if (!adaptive) return pool_axis({input, output, kernel, stride, pad, 1});
  return Axis{input, output, 1, 1, 0, 1}.positive();
}

const char* check(const AvgPool2dParams& p) {
  if (p.C < 1) return "C";
  if (!flag(p.adaptive)) return "adaptive";
  if (!flag(p.padded)) return "padded";
  if (p.divisor < 0) return "divisor";
  if (!avg_pool_axis(p.adaptive, p.IH, p.OH, p.KH, p.stride_h, p.pad_h)) return "OH";
  if (!avg_pool_axis(p.adaptive, p.IW, p.OW, p.KW, p.stride_w, p.pad_w)) return "OW";
  return nullptr;
}

const char* check(const CopyChannelsParams& p) {
  if (p.C < 1) return "C";
  if (p.positions < 1) return "positions";
  if (p.from < 0 || int64_t{p.from} + p.C > p.source_C) return "from";
  return p.to < 0 || int64_t{p.to} + p.C > p.target_C ? "to" : nullptr;
}

// Some of the image stays; a mirror image ends at the pixel before the other edge.
static bool pad_axis(int64_t input, int64_t output, int64_t before, int32_t mode) {
  if (input < 1 || output < 1 || before <= -input || before >= output) return false;
  const int64_t after = output - input - before;
  return mode != 1 || (before < input && after < input);
}

const char* check(const Pad2dParams& p) {
  if (p.C < 1) return "C";
  if (p.mode < 0 || p.mode > 2) return "mode";
  if (!pad_axis(p.IH, p.OH, p.top, p.mode)) return "top";
  return pad_axis(p.IW, p.OW, p.left, p.mode) ? nullptr : "left";
}

const char* check(const BiasParams& p) {
  if (p.C < 1) return "C";
  return p.positions < 1 ? "positions" : !flag(p.relu) ? "relu" : nullptr;
}

template <typename Params>
static Extent input(const Params& p) {
  return image(product(p.C, p.IH, p.IW));
}
template <typename Params>
static Extent output(const Params& p) {
  return image(product(p.C, p.OH, p.OW));
}

Extents avg_pool2d_forward(const AvgPool2dParams& p, int32_t) { return extents(input(p), output(p)); }
Extents avg_pool2d_backward(const AvgPool2dParams& p, int32_t) { return extents(output(p), input(p)); }
Extents pad2d_forward(const Pad2dParams& p, int32_t) { return extents(input(p), output(p)); }
Extents pad2d_backward(const Pad2dParams& p, int32_t) { return extents(output(p), input(p)); }

Extents copy_channels(const CopyChannelsParams& p, int32_t) {
  return extents(image(product(p.source_C, p.positions)), image(product(p.target_C, p.positions)));
}

Extents bias_forward(const BiasParams& p, int32_t) {
  return extents(fixed(p.C), image(product(p.C, p.positions)));
}
Extents bias_backward(const BiasParams& p, int32_t) {
  return extents(image(product(p.C, p.positions)), fixed(p.C));
}

}  // namespace extents_of
}  // namespace twill
