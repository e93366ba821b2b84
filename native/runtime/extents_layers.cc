// Images, element-wise layers, softmax and linear layers.
#include "extents_of.h"

namespace twill {
namespace extents_of {

const char* check(const ImageParams& p) {
  if (p.C < 1) return "C";
  if (p.H < 1) return "H";
  if (p.W < 1) return "W";
  if (!flag(p.u8)) return "u8";
  return flag(p.flush) ? nullptr : "flush";
}

const char* check(const MapParams& p) { return p.size < 1 ? "size" : nullptr; }
const char* check(const AddParams& p) { return p.size < 1 ? "size" : !flag(p.relu) ? "relu" : nullptr; }
const char* check(const MulParams& p) { return p.C < 1 ? "C" : p.positions < 1 ? "positions" : nullptr; }
const char* check(const ActivationParams& p) {
  return p.size < 1 ? "size" : p.kind < 0 || p.kind > 9 ? "kind" : nullptr;
}
const char* check(const LinearParams& p) { return p.IN < 1 ? "IN" : p.OUT < 1 ? "OUT" : nullptr; }
const char* check(const LinearPanelParams& p) {
  return p.count < 1 ? "count" : p.IN < 1 ? "IN" : p.OUT < 1 ? "OUT" : nullptr;
}
const char* check(const LinearPanelWeightParams& p) {
  return p.count < 1           ? "count"
         : p.IN < 1            ? "IN"
         : p.OUT < 1           ? "OUT"
         : !flag(p.accumulate) ? "accumulate"
                               : nullptr;
}
const char* check(const SoftmaxParams& p) {
  return p.C < 1 ? "C" : p.positions < 1 ? "positions" : !flag(p.log) ? "log" : nullptr;
}
const char* check(const DropoutParams& p) { return p.C < 1 ? "C" : p.positions < 1 ? "positions" : nullptr; }

static int64_t size(const ImageParams& p) { return product(p.C, p.H, p.W); }

Extents import_images(const ImageParams& p, int32_t) {
  return extents(image(size(p), p.u8 ? 1 : 4), image(size(p)));
}

Extents export_images(const ImageParams& p, int32_t) {
  if (p.u8) return inconsistent("u8");
  if (p.flush) return inconsistent("flush");
  return extents(image(size(p)), image(size(p)));
}

Extents relu_forward(const MapParams& p, int32_t) { return extents(image(p.size), image(p.size)); }
Extents relu_backward(const MapParams& p, int32_t) {
  return extents(image(p.size), image(p.size), image(p.size));
}
Extents activation_forward(const ActivationParams& p, int32_t) {
  return extents(image(p.size), image(p.size));
}
Extents activation_backward(const ActivationParams& p, int32_t) {
  return extents(image(p.size), image(p.size), image(p.size));
}
Extents add_forward(const AddParams& p, int32_t) {
  return extents(image(p.size), image(p.size), image(p.size));
}
Extents mul_forward(const MulParams& p, int32_t) {
  const Extent values = image(product(p.C, p.positions));
  return extents(values, image(p.C), values);
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

// Whether the units are as many parts of each panel of so many features.
static bool are_panels(int32_t count, int32_t features) {
  return count % ((features + kPanel - 1) / kPanel) == 0;
}

Extents linear_panel_forward(const LinearPanelParams& p, int32_t) {
  if (!are_panels(p.count, p.OUT)) return inconsistent("count");
  return extents(image(p.IN), fixed(product(p.IN, p.OUT)), fixed(p.OUT), image(p.OUT));
}

Extents linear_panel_backward_input(const LinearPanelParams& p, int32_t) {
  if (!are_panels(p.count, p.IN)) return inconsistent("count");
  return extents(image(p.OUT), fixed(product(p.IN, p.OUT)), image(p.IN));
}

Extents linear_panel_backward_weight(const LinearPanelWeightParams& p, int32_t) {
  if (!are_panels(p.count, p.IN)) return inconsistent("count");
  return extents(image(p.IN), image(p.OUT), fixed(product(p.IN, p.OUT)));
}

Extents softmax_forward(const SoftmaxParams& p, int32_t) {
  const Extent values = image(product(p.C, p.positions));
  return extents(values, values);
}

Extents softmax_backward(const SoftmaxParams& p, int32_t) {
  const Extent values = image(product(p.C, p.positions));
  return extents(values, values, values);
}

Extents dropout(const DropoutParams& p, int32_t) {
  const Extent values = image(product(p.C, p.positions));
  return extents(values, fixed(4), values);
}

}  // namespace extents_of
}  // namespace twill
