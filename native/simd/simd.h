// clang-format off
// The vector type of the kernels: one header per instruction set, the compiler's flags pick which.
//
//   Vec        kWidth floats in a register; the native register type, so that nothing is wrapped or spilled
//   Mask       one truth value a lane
//   Index      kWidth int32 in a register: places in a pooling window
//   kCompact   the code is downloaded, or a last resort: blocks come in fewer shapes, others are made of them
//
//   load(p) store(p, v)                     unaligned
//   load_partial(p, n) store_partial(p, v, n)
//                                           the first n lanes, 0 <= n <= kWidth; lanes past n load as zero,
//                                           and their memory is not touched
//   zero() broadcast(x) add sub mul div     lane by lane
//   fma(a, b, c)                            a * b + c; rounded once where kFused, else twice
//   max(a, b)                               a > b ? a : b, so b where either is NaN (x86's operand order,
//                                           everywhere)
//   min(a, b)                               a < b ? a : b, likewise
//   relu(v)                                 v < 0 ? 0 : v, so NaN and -0 stay, as in PyTorch
//   gt(a, b) ge(a, b) eq(a, b)              Mask; comparisons with NaN are false
//   is_nan(v) unordered(a, b)               Mask; the latter where either is NaN
//   either(m, n) both(m, n) any(m)          on masks
//   bits(m)                                 lane i as bit i
//   select(m, a, b)                         m ? a : b, for Vec and for Index
//   exchange<k>(v)                          lane i ^ k in lane i, k = 1, 2, 4 ... below kWidth
//   index_broadcast(i)
//   store_u8(uint8_t*, Index) store_u8_partial(.., n)
//   load_u8(p) load_u8_partial(p, n)        bytes 0..255 as floats
//
// clang-format on
// Everything has internal linkage. A kernel's source is compiled once per instruction set, and an inline
// function that two of those objects shared would be whichever the linker kept: AVX-512 code on a machine
// without it.
#pragma once

#include <cstdint>

#define TWILL_INLINE inline __attribute__((always_inline))

#if defined(TWILL_SIMD_SCALAR)
#include "scalar.h"
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#include "avx512.h"
#elif defined(__AVX2__) && defined(__FMA__)
#include "avx2.h"
#elif defined(__SSE2__)
#include "sse2.h"
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include "neon.h"
#elif defined(__wasm_simd128__)
#include "wasm.h"
#else
#include "scalar.h"
#endif

namespace twill {
namespace simd {
namespace {

constexpr bool kMasksAreFree = kWidth == 16;  // a partial load or store costs what a whole one does

}  // namespace
}  // namespace simd
}  // namespace twill
