// How many sums a block of gradients, or of a linear layer's panel, keeps in registers: all but what a
// factor, the other one, a product (where there is no fused multiply-add) and the compiler's own need.
#pragma once

#include "../simd/simd.h"

namespace twill {
namespace TWILL_ISA {
namespace {

constexpr int kAccumulators = simd::kRegisters - 4;

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
