// Losses.
#include "extents_of.h"

namespace twill {
namespace extents_of {

const char* check(const CrossEntropyTotalParams& p) {
  return p.count != 1 ? "count" : p.classes < 1 ? "classes" : nullptr;
}

const char* check(const CrossEntropyParams& p) {
  if (p.classes < 1) return "classes";
  return !flag(p.sum) ? "sum" : !flag(p.normalised) ? "normalised" : nullptr;
}

const char* check(const ValueLossParams& p) {
  if (!flag(p.kind)) return "kind";
  return p.C < 1 ? "C" : p.positions < 1 ? "positions" : !flag(p.sum) ? "sum" : nullptr;
}

Extents cross_entropy_total(const CrossEntropyTotalParams& p, int32_t) {
  return extents(image(1), fixed(p.classes), fixed(1));
}

Extents cross_entropy_forward(const CrossEntropyParams& p, int32_t) {
  const Extent scores = image(p.classes);
  return extents(scores, image(1), fixed(p.classes), fixed(1), image(1), image(1), scores);
}

Extents value_loss_forward(const ValueLossParams& p, int32_t) {
  const Extent values = image(product(p.C, p.positions));
  return extents(values, values, fixed(p.C), image(1), values);
}

}  // namespace extents_of
}  // namespace twill
