#include "extents_of.h"

namespace twill {
namespace {

using ExtentsFunction = Extents (*)(const int32_t* params, int32_t max_slices);

template <typename Params, Extents (*kernel)(const Params&, int32_t)>
Extents checked(const int32_t* words, int32_t max_slices) {
  const Params& params = *reinterpret_cast<const Params*>(words);
  if (const char* parameter = extents_of::check(params)) return extents_of::inconsistent(parameter);
  return kernel(params, max_slices);
}

constexpr ExtentsFunction kExtents[] = {
#define TWILL_KERNEL(name, domain, Params, operands) checked<Params, extents_of::name>,
#include "../kernels/kernels.inc"
#undef TWILL_KERNEL
};

}  // namespace

Extents kernel_extents(int32_t kernel, const int32_t* params, int32_t max_slices) {
  return kExtents[kernel](params, max_slices);
}

}  // namespace twill
