// What a kernel is: a pure C function over a range of its work.
//
// It never allocates, never starts a thread, never throws, and never touches what its call does not name.
// Its preconditions hold because the runtime checked the whole program when it was loaded
// (runtime/program.h). The contents of operands are data and nobody checked them: a kernel that indexes by
// them (labels, argmax) does so only within the operand's extent.
//
// A kernel's source is compiled once per instruction set, with TWILL_ISA naming it, and is a function of that
// name in the namespace twill::TWILL_ISA. Whatever else the file holds is in an anonymous namespace or
// `static`: an inline function that two instruction sets share would be whichever copy the linker kept.
#pragma once

#include <cstdint>

namespace twill {

// One call of a kernel over units [begin, end): images of the batch, or elements 0..count-1.
struct Work {
  const int32_t* params;  // the kernel's parameter struct, as words (kernels.inc)
  void* const* operands;  // in the order of the kernel's signature; null where an optional one is left out
  int32_t batch;          // images in this run (begin and end are within it for the domain `images`)
  int32_t slices;         // partial sums in this run: `partial` operands hold this many instances
  bool first;             // first tile of a slice: `partial` operands are set; otherwise they are added to
  int32_t band, bands;    // over rows: which of an image's equal parts; 0 of 1 over images
};

using Kernel = void (*)(const Work& work, int64_t begin, int64_t end);

// What a call's units are. A kernel over `rows` runs over images too, or over a band of the rows that one
// image gives.
enum class Domain : int32_t { images = 0, elements = 1, rows = 2 };

// Parameter structs are plain int32 words, so that a program can hold them in place.
template <typename Params>
static inline const Params& params_of(const Work& work) {
  return *reinterpret_cast<const Params*>(work.params);
}

// A float parameter.
static inline float float_of(int32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

// The images of a slice (program.h): [s * batch / slices, (s + 1) * batch / slices).
static inline int64_t images_of_slice(const Work& work, int64_t slice) {
  return (slice + 1) * work.batch / work.slices - slice * work.batch / work.slices;
}

// The first image of the slice that an image is in.
static inline int64_t slice_begin(const Work& work, int64_t image) {
  const int64_t slice = ((image + 1) * work.slices - 1) / work.batch;
  return slice * work.batch / work.slices;
}

struct RowRange {
  int32_t begin, end;
};

// Those of the band at hand, of `rows` that an image gives.
static inline RowRange rows_of(const Work& work, int32_t rows) {
  const auto edge = [&](int64_t band) { return static_cast<int32_t>(band * rows / work.bands); };
  return {edge(work.band), edge(work.band + 1)};
}

template <typename T>
static inline T* operand(const Work& work, int index) {
  return static_cast<T*>(work.operands[index]);
}

}  // namespace twill
