// The kernels of one instruction set, in the order of kernels.inc.
#include "kernels.h"

namespace twill {
namespace TWILL_ISA {

const Kernel kernel_table[] = {
#define TWILL_KERNEL(name, domain, Params, operands) name,
#include "kernels.inc"
#undef TWILL_KERNEL
};

}  // namespace TWILL_ISA
}  // namespace twill
