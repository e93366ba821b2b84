// The numbers of the update rules, as they lie in the operand `hyper`: TypeScript writes them before each
// step, rounded from float64. Bias corrections and whatever else depends on the step alone are in them.
#pragma once

#include <cstdint>

namespace twill {

// Of a rule's numbers; a group of parameters has a set of its own.
constexpr int64_t kHyperFloats = 10;

struct SgdNumbers {
  float lr, momentum, one_minus_dampening, weight_decay;
  float nesterov, first;  // 0 or 1; in the first step velocity = gradient
};

struct AdamNumbers {
  float step;  // lr / (1 - beta1^t)
  float beta1, one_minus_beta1, beta2, one_minus_beta2;
  float root;  // 1 / sqrt(1 - beta2^t)
  float eps;
  float weight_decay;  // added to the gradient, times the parameter
  float decay;         // lr * weight_decay of AdamW, taken off the parameter by itself
};

struct RmspropNumbers {
  float lr, alpha, one_minus_alpha, eps, weight_decay, momentum;
};

struct AverageNumbers {
  float one_minus_decay, first;  // first: 1 in the first step, the average is the parameter then
};

}  // namespace twill
