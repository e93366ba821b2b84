// Softmax and the negative log-likelihood of the label, with its gradient.
//
// In double without fused operations: ten classes an image are too few for speed to matter, and so a loss has
// the same bits on every instruction set. exp and log are our own for the same reason.
#include "kernel.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {
namespace {

double from_bits(uint64_t bits) {
  double value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

uint64_t to_bits(double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

// e^x for x <= 0 to 1e-12: x = n ln 2 + r with |r| <= ln(2)/2, where the series' next term is below 3e-13.
double exponential(double x) {
  constexpr double kLn2 = 0.693147180559945309417;
  if (!(x > -700.0)) return x != x ? x : 0.0;
  const int64_t n = static_cast<int64_t>(x * (1.0 / kLn2) - 0.5);
  const double r = x - static_cast<double>(n) * kLn2;
  constexpr double kInverseFactorials[] = {1.0,         1.0,          1.0 / 2,      1.0 / 6,
                                           1.0 / 24,    1.0 / 120,    1.0 / 720,    1.0 / 5040,
                                           1.0 / 40320, 1.0 / 362880, 1.0 / 3628800};
  double sum = 0.0;
  for (int k = 10; k >= 0; --k) sum = sum * r + kInverseFactorials[k];
  return sum * from_bits(static_cast<uint64_t>(n + 1023) << 52);
}

// ln x for x >= 1 to 1e-13: x = m 2^e with m in [sqrt(1/2), sqrt(2)], ln m = 2 artanh((m - 1) / (m + 1)).
double logarithm(double x) {
  constexpr double kLn2 = 0.693147180559945309417;
  constexpr double kSqrt2 = 1.41421356237309504880;
  if (x != x) return x;
  const uint64_t bits = to_bits(x);
  int64_t e = static_cast<int64_t>(bits >> 52) - 1023;
  double m = from_bits((bits & ((uint64_t{1} << 52) - 1)) | (uint64_t{1023} << 52));
  if (m > kSqrt2) {
    m *= 0.5;
    ++e;
  }
  const double f = (m - 1.0) / (m + 1.0);
  const double f2 = f * f;
  constexpr double kInverseOdds[] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7, 1.0 / 9,
                                     1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17};
  double sum = 0.0;
  for (int k = 8; k >= 0; --k) sum = sum * f2 + kInverseOdds[k];
  return 2.0 * f * sum + static_cast<double>(e) * kLn2;
}

// The first of the largest; NaN is larger than everything, as in torch.argmax.
int32_t argmax(const float* logits, int32_t classes) {
  int32_t best = 0;
  for (int32_t c = 1; c < classes; ++c) {
    const float value = logits[c];
    if (value > logits[best] || (value != value && logits[best] == logits[best])) best = c;
  }
  return best;
}

}  // namespace

// A label outside 0..classes-1 makes the loss and its gradient NaN.
void cross_entropy_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& [classes, total] = params_of<CrossEntropyParams>(work);
  const int32_t* labels = operand<const int32_t>(work, 1);
  float* losses = operand<float>(work, 2);
  int32_t* hits = operand<int32_t>(work, 3);
  float* all_grads = operand<float>(work, 4);
  for (int64_t n = begin; n < end; ++n) {
    const float* logits = operand<const float>(work, 0) + n * classes;
    const int32_t label = labels[n];
    const bool known = label >= 0 && label < classes;
    const int32_t best = argmax(logits, classes);
    const double largest = static_cast<double>(logits[best]);
    double sum = 0.0;
    for (int32_t c = 0; c < classes; ++c) sum += exponential(static_cast<double>(logits[c]) - largest);
    const double nan = static_cast<double>(__builtin_nanf(""));
    const double log_sum = logarithm(sum);
    losses[n] = static_cast<float>(known ? log_sum - (static_cast<double>(logits[label]) - largest) : nan);
    hits[n] = best == label;
    if (!all_grads) continue;
    float* grad = all_grads + n * classes;
    const double scale = !known ? nan : total ? 1.0 : 1.0 / work.batch;
    for (int32_t c = 0; c < classes; ++c) {
      const double probability = exponential(static_cast<double>(logits[c]) - largest) / sum;
      grad[c] = static_cast<float>((probability - (c == label ? 1.0 : 0.0)) * scale);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
