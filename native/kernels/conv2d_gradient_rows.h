// What the two gradients through a max-pool have in common: rows of floats, scaled by one gradient a
// survivor, are added up. For the weights a row lies in the image under the survivor's position, for the
// input in its weights.
#pragma once

#include <cstdint>

namespace twill {
namespace TWILL_ISA {

struct Survivor {
  float gradient;
  int32_t offset;  // in floats, of its first row in the source
};

// How rows lie, for all calls of a pass. (Not rebuilt for each call: its fields would be read back before the
// sums stored ahead of them have left the store buffer.)
struct RowLayout {
  int64_t target_row, source_row;  // floats from a row to the next
  // Where in the target's row each whole vector lies; null where they follow one another. In the source they
  // do.
  const int32_t* places;
};

// target[row][i] += gradient * source[offset + row * source_row + i] for each survivor in turn, one chain of
// fused multiply-adds from the target's value on; `rows` rows of `length` floats. The source is read in whole
// vectors, past the end of a row.
void accumulate_rows(const RowLayout& layout, int rows, int length, float* target, const float* source,
                     const Survivor* survivors, int64_t count);

}  // namespace TWILL_ISA
}  // namespace twill
