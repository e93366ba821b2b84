// How much memory each operand of a kernel call covers, from the call's parameters.
#pragma once

#include <cstdint>

#include "program.h"

namespace twill {

// Bytes an operand covers: fixed + image * images.
struct Extent {
  int64_t fixed = 0;
  int64_t image = 0;
};

struct Extents {
  const char* inconsistent = nullptr;  // name of the first parameter that does not go with the others
  int count = 0;                       // operands
  Extent operands[kMaxOperands];
};

// `params` holds the kernel's parameter words, `max_slices` the partial sums that a reduction reads at most.
Extents kernel_extents(int32_t kernel, const int32_t* params, int32_t max_slices);

}  // namespace twill
