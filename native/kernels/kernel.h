// What a kernel is: a pure C function over a range of its work.
//
// It never allocates, never starts a thread, never throws, and never touches what its call does not name.
// Its preconditions hold because the runtime checked the whole program when it was loaded (runtime/program.h).
#pragma once

#include <cstdint>

namespace twill {

// One call of a kernel over units [begin, end): images of the batch, or elements 0..count-1.
struct Work {
  const int32_t* params;   // the kernel's parameter struct, as words (kernels.inc)
  void* const* operands;   // in the order of the kernel's signature; null where an optional one is left out
  int32_t batch;           // images in this run (begin and end are within it for the domain `images`)
  int32_t slices;          // partial sums in this run: `partial` operands hold this many instances
  bool first;              // first tile of a slice: `partial` operands are set; otherwise they are added to
};

using Kernel = void (*)(const Work& work, int64_t begin, int64_t end);

// What a call's units are.
enum class Domain : int32_t { images = 0, elements = 1 };

// Parameter structs are plain int32 words (floats travel in operands), so that a program can hold them in place.
template <typename Params>
inline const Params& params_of(const Work& work) {
  return *reinterpret_cast<const Params*>(work.params);
}

template <typename T>
inline T* operand(const Work& work, int index) {
  return static_cast<T*>(work.operands[index]);
}

}  // namespace twill
