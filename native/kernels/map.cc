// Kernels that take each float of an image on its own. Their result may be one of their operands.
#include "elementwise.h"
#include "kernel.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

void relu_forward(const Work& work, int64_t begin, int64_t end) {
  const int64_t size = params_of<MapParams>(work).size;
  const float* x = operand<const float>(work, 0);
  float* y = operand<float>(work, 1);
  each_vector(begin * size, end * size,
              [&](int64_t i, int lanes) { store_lanes(y + i, relu(load_lanes(x + i, lanes)), lanes); });
}

// The gradient passes where y > 0 and where y is NaN, as in PyTorch.
void relu_backward(const Work& work, int64_t begin, int64_t end) {
  const int64_t size = params_of<MapParams>(work).size;
  const float* y = operand<const float>(work, 0);
  const float* grad_output = operand<const float>(work, 1);
  float* grad_input = operand<float>(work, 2);
  each_vector(begin * size, end * size, [&](int64_t i, int lanes) {
    const Mask cut = ge(zero(), load_lanes(y + i, lanes));
    store_lanes(grad_input + i, select(cut, zero(), load_lanes(grad_output + i, lanes)), lanes);
  });
}

void add_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<AddParams>(work);
  const float* x = operand<const float>(work, 0);
  const float* other = operand<const float>(work, 1);
  float* y = operand<float>(work, 2);
  each_vector(begin * p.size, end * p.size, [&](int64_t i, int lanes) {
    const Vec sum = add(load_lanes(x + i, lanes), load_lanes(other + i, lanes));
    store_lanes(y + i, p.relu ? relu(sum) : sum, lanes);
  });
}

void copy_into(const Work& work, int64_t begin, int64_t end) {
  const int64_t size = params_of<MapParams>(work).size;
  copy_floats(operand<float>(work, 1) + begin * size, operand<const float>(work, 0) + begin * size,
              (end - begin) * size);
}

void add_into(const Work& work, int64_t begin, int64_t end) {
  const int64_t size = params_of<MapParams>(work).size;
  const float* x = operand<const float>(work, 0);
  float* y = operand<float>(work, 1);
  each_vector(begin * size, end * size, [&](int64_t i, int lanes) {
    store_lanes(y + i, add(load_lanes(y + i, lanes), load_lanes(x + i, lanes)), lanes);
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
