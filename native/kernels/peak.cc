// The machine's own limits, measured as everything else is: by kernels, on every instruction set and on
// WebAssembly.
#include "../simd/unroll.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_parameters.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

// Multiply-adds of registers with registers: nothing is loaded, so only the arithmetic units are in the way.
// Two a cycle of 4-5 cycles latency want 10 chains, of which 16 registers hold 12 and 32 hold 24. A round is
// 384 lanes wide on every instruction set, 768 floating-point operations.
//
// All chains converge to 1 (x = x/2 + 1/2), each from a start of its own, or they would be one to the
// compiler.
void peak_fma(const Work& work, int64_t begin, int64_t end) {
  constexpr int kLanes = 384;
  constexpr int kChains = kRegisters >= 32 ? 24 : 12;
  static_assert(kLanes % (kChains * kWidth) == 0);
  const int32_t rounds = params_of<PeakFmaParams>(work).rounds;
  float* result = operand<float>(work, 0);
  const Vec half = broadcast(0.5f);
  for (int64_t unit = begin; unit < end; ++unit) {
    Vec chain[kChains];
    unroll<0, kChains>([&](auto i) TWILL_INLINE_LAMBDA { chain[i.value] = broadcast(2.0f + i.value); });
    const int64_t passes = int64_t{rounds} * (kLanes / (kChains * kWidth));
    for (int64_t pass = 0; pass < passes; ++pass) {
      unroll<0, kChains>([&](auto i)
                             TWILL_INLINE_LAMBDA { chain[i.value] = fma(chain[i.value], half, half); });
    }
    unroll<1, kChains>([&](auto i) TWILL_INLINE_LAMBDA { chain[0] = max(chain[0], chain[i.value]); });
    store_partial(result + unit, chain[0], 1);
  }
}

// Four bytes in, four bytes out a float.
void peak_copy(const Work& work, int64_t begin, int64_t end) {
  const float* source = operand<const float>(work, 0);
  float* target = operand<float>(work, 1);
  each_vector(begin, end,
              [&](int64_t i, int lanes) { store_lanes(target + i, load_lanes(source + i, lanes), lanes); });
}

}  // namespace TWILL_ISA
}  // namespace twill
