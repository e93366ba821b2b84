// The input's gradient along a row of positions, each one pixel right of the last, with survivors of their
// own: the sums of the pixels under a position's taps stay in registers and slide along.
#pragma once

#include <cstdint>

#include "conv2d_gradient_rows.h"

namespace twill {
namespace TWILL_ISA {

constexpr int kSlideChannels = 16;  // of a tap in the source; in the target they are part of a pixel's

// Whether there is a block for rows of so many taps.
bool can_slide(int taps);

struct Slide {
  float*
      target;  // the first row's pixel under the first tap of the first position, in the image or left of it
  int64_t target_col;  // floats from a pixel to the next
  int32_t begin, end;  // the pixels that lie in the image, counted from that one
  int32_t positions;
  // Those of position i are survivors[ends[i - 1]], or survivors[0], to survivors[ends[i]].
  const Survivor* survivors;
  const int32_t* ends;
};

// For each position and each of its survivors in turn, as accumulate_rows: `rows` rows of `taps` taps.
void slide_rows(const RowLayout& layout, int rows, int taps, const Slide& slide, const float* source);

}  // namespace TWILL_ISA
}  // namespace twill
