// Depthwise convolution for the usual kernels: several rows of outputs at once, column by column.
#pragma once

#include "conv2d_correlation.h"

namespace twill {
namespace TWILL_ISA {

// Some rows of some columns of outputs, for a vector of channels or the first lanes of one.
struct Walk {
  const float* x;       // channel of column 0, in the row under the first tap of the first row of outputs
  const float* weight;  // [KH][KW][kWidth]
  const float* bias;    // or null
  float* y;             // of the first row and column
  int64_t x_col, x_tap_row, x_row, y_col, y_row;  // to the next column, row of taps, row of outputs
  Axis rows, cols;
  int32_t top;           // input row under the first tap of the first row of outputs
  int32_t first, count;  // columns of outputs
  int32_t lanes;
  bool relu;
};

// Walks over some rows, as many as the function is for.
using WalkFunction = void (*)(const Walk&);

struct Walks {
  int most;                    // rows at a time
  int edge;                    // of them the first and the last that may have taps outside the image
  const WalkFunction* whole;   // [rows - 1]; every row of taps lies in the image
  const WalkFunction* border;  // those outside count as zeros
};

// `partial`: for a part of a vector. None at a time where there is no code for such taps.
Walks walks_for(const Axis& cols, bool partial);

}  // namespace TWILL_ISA
}  // namespace twill
