// Every kernel's parameters, and in the build of an instruction set its declarations.
#pragma once

#include "kernel.h"
#include "params_convolution.h"
#include "params_layers.h"
#include "params_losses.h"
#include "params_normalisation.h"
#include "params_parameters.h"
#include "params_pooling.h"
#include "params_spatial.h"

#ifdef TWILL_ISA
namespace twill {
namespace TWILL_ISA {
#define TWILL_KERNEL(name, domain, Params, operands) void name(const Work& work, int64_t begin, int64_t end);
#include "kernels.inc"
#undef TWILL_KERNEL

extern const Kernel kernel_table[];  // all of them, in this order
}  // namespace TWILL_ISA
}  // namespace twill
#endif
