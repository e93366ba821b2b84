// Pools on their own.
#include "extents_of.h"

namespace twill {
namespace extents_of {

const char* check(const MaxPool2dParams& p) {
  if (p.C < 1) return "C";
  if (!pool_axis({p.IH, p.OH, p.KH, p.stride_h, p.pad_h, p.dilation_h})) return "OH";
  if (!pool_axis({p.IW, p.OW, p.KW, p.stride_w, p.pad_w, p.dilation_w})) return "OW";
  // A float holds the number of a window's pixel.
  const int64_t height = p.KH < p.IH ? p.KH : p.IH, width = p.KW < p.IW ? p.KW : p.IW;
  return height * width > 1 << 24 ? "KW" : nullptr;
}

static int64_t input_size(const MaxPool2dParams& p) { return product(p.C, p.IH, p.IW); }
static int64_t output_size(const MaxPool2dParams& p) { return product(p.C, p.OH, p.OW); }

Extents max_pool2d_forward(const MaxPool2dParams& p, int32_t) {
  return extents(image(input_size(p)), image(output_size(p)), image(output_size(p)));
}

Extents max_pool2d_backward(const MaxPool2dParams& p, int32_t) {
  return extents(image(output_size(p)), image(output_size(p)), image(input_size(p)));
}

}  // namespace extents_of
}  // namespace twill
