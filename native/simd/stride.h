// Pixels at a fixed distance from one another, addressed without a register for each.
#pragma once

#include <cstdint>

#include "unroll.h"

namespace twill {
namespace simd {
namespace {

// x86 adds a register times 1, 2, 4 or 8 to an address for nothing, so that seven pixels share one pointer
// and the registers `stride`, `stride3` and `stride5`. The compiler must not know that these are multiples,
// or it would keep all six distances in registers.
class Stride {
 public:
  TWILL_INLINE explicit Stride(int64_t floats)
      : stride_(floats * static_cast<int64_t>(sizeof(float))),
        stride3_(stride_ * 3),
        stride5_(stride_ * 5),
        stride7_(stride_ * 7) {
#if defined(__x86_64__)
    stride3_ = opaque(stride3_);
    stride5_ = opaque(stride5_);
#endif
  }

  // Where pixels 0, 7, 14, ... of kPixels are, and from them the others.
  template <int kPixels>
  struct Pointers {
    static constexpr int kCount = (kPixels + 6) / 7;
    const char* at[kCount];

    TWILL_INLINE Pointers(const float* x, const Stride& by) {
      unroll<0, kCount>([&](auto i) TWILL_INLINE_LAMBDA {
        at[i.value] = reinterpret_cast<const char*>(x) + i.value * by.stride7_;
      });
    }

    TWILL_INLINE void advance() {
      unroll<0, kCount>([&](auto i) TWILL_INLINE_LAMBDA { at[i.value] += sizeof(float); });
    }

    template <int kPixel>
    TWILL_INLINE const float* pixel(const Stride& by) const {
      const char* p = at[kPixel / 7];
      if (kPixel % 7 == 1) p += by.stride_;
      if (kPixel % 7 == 2) p += by.stride_ * 2;
      if (kPixel % 7 == 3) p += by.stride3_;
      if (kPixel % 7 == 4) p += by.stride_ * 4;
      if (kPixel % 7 == 5) p += by.stride5_;
      if (kPixel % 7 == 6) p += by.stride3_ * 2;
      return reinterpret_cast<const float*>(p);
    }
  };

 private:
  int64_t stride_, stride3_, stride5_, stride7_;  // in bytes
};

// Pixels of one float: the distances are part of the instructions.
class UnitStride {
 public:
  TWILL_INLINE explicit UnitStride(int64_t) {}

  template <int kPixels>
  struct Pointers {
    const float* at;

    TWILL_INLINE Pointers(const float* x, const UnitStride&) : at(x) {}
    // One pixel's input is the next one's last: GCC's predictive commoning would keep them all, and spill.
    TWILL_INLINE void advance() { at = opaque(at + 1); }

    template <int kPixel>
    TWILL_INLINE const float* pixel(const UnitStride&) const {
      return at + kPixel;
    }
  };
};

}  // namespace
}  // namespace simd
}  // namespace twill
