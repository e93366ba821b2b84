// Losses against values of the output's shape: squared distance, and binary cross-entropy of scores. A vector
// at a time, since outputs may be whole images; a block's terms are added in a fixed order, blocks in double.
#include "../simd/math.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_losses.h"
#include "row_sum.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

enum ValueLoss : int32_t { kSquared, kBinary };

struct Term {
  Vec loss, slope;
};

TWILL_INLINE Term squared(Vec output, Vec target) {
  const Vec distance = sub(output, target);
  return {mul(distance, distance), add(distance, distance)};
}

// (1 - t) x + (1 + (w - 1) t) ln(1 + e^-x), w being the weight of the positive answer.
TWILL_INLINE Term binary(Vec x, Vec t, Vec weight) {
  const Vec one = broadcast(1.0f);
  const Vec e = exp_of_negative(negative(x));
  const Vec larger = div(one, add(one, e));
  const Vec probability = select(gt(zero(), x), mul(e, larger), larger);
  const Vec softplus = add(max(sub(zero(), x), zero()), log_of_one_plus(e));
  const Vec share = fma(sub(weight, one), t, one);
  return {fma(sub(one, t), x, mul(share, softplus)), sub(mul(share, probability), mul(weight, t))};
}

}  // namespace

void value_loss_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ValueLossParams>(work);
  constexpr int64_t kBlock = 256;
  float losses[kBlock];
  const float* weight = operand<const float>(work, 2);
  const int64_t size = int64_t{p.positions} * p.C;
  const double mean = 1.0 / static_cast<double>(size);
  const Vec scale = broadcast(p.sum ? 1.0f : static_cast<float>(mean / work.batch));
  float* gradient = operand<float>(work, 4);
  for (int64_t n = begin; n < end; ++n) {
    double total = 0.0;
    for (int64_t at = n * size; at < (n + 1) * size;) {
      const int64_t c = (at - n * size) % p.C;
      const int64_t count = p.C - c < kBlock ? p.C - c : kBlock;
      const float* outputs = operand<const float>(work, 0) + at;
      const float* targets = operand<const float>(work, 1) + at;
      each_lanes(0, count, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
        const Vec output = load_lanes(outputs + i, lanes);
        const Vec target = load_lanes(targets + i, lanes);
        const Vec own = weight ? load_lanes(weight + c + i, lanes) : broadcast(1.0f);
        const Term term = p.kind == kSquared ? squared(output, target) : binary(output, target, own);
        store_lanes(losses + i, term.loss, lanes);
        if (gradient) store_lanes(gradient + at + i, mul(term.slope, scale), lanes);
      });
      const Vec sum = sum_of_terms(
          count, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA { return load_lanes(losses + i, lanes); });
      total += static_cast<double>(first_lane(sum));
      at += count;
    }
    operand<float>(work, 3)[n] = static_cast<float>(p.sum ? total : total * mean);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
