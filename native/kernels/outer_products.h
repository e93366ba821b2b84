// The arithmetic of the weight gradients of convolutions and linear layers: outer products of scalars and
// vectors, summed over positions.
#pragma once

#include <cstdint>

namespace twill {
namespace TWILL_ISA {

struct Positions {
  int images, rows, cols;
};

// A tensor's floats at the first position, and from there to the next image, row and column of positions.
struct Walk {
  const float* at;
  int64_t image, row, col;
};

// Scalars at a position: `rows` rows of `count` floats side by side.
struct Scalars {
  Walk walk;
  int rows, count;
  int64_t row_step;
};

// Where the sums lie: for each row and scalar the lanes side by side. Fresh ones begin at zero, whatever is
// there.
struct Sums {
  float* at;
  int64_t row_step, scalar_step;
  bool fresh;
};

// sums[row][scalar][lane] += scalars[position][row][scalar] * vectors[position][lane] for each position in
// turn, image by image and row by row: one chain of fused multiply-adds from the value there on.
void add_outer_products(const Positions& positions, const Scalars& scalars, const Walk& vectors, int lanes,
                        const Sums& sums);

}  // namespace TWILL_ISA
}  // namespace twill
