// Softmax and the negative log-likelihood of the label, with its gradient; the same of scores that are
// logarithms of probabilities already.
//
// In double without fused operations: ten classes an image are too few for speed to matter, and so a loss has
// the same bits on every instruction set.
#include "kernel.h"
#include "params_losses.h"
#include "transcendental.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// The first of the largest; NaN is larger than everything, as in torch.argmax.
int32_t argmax(const float* logits, int32_t classes) {
  int32_t best = 0;
  for (int32_t c = 1; c < classes; ++c) {
    const float value = logits[c];
    if (value > logits[best] || (value != value && logits[best] == logits[best])) best = c;
  }
  return best;
}

double weight_of(const float* weight, int32_t c) { return weight ? static_cast<double>(weight[c]) : 1.0; }

// What the classes' negative log-likelihoods count in the loss of an image: a label's own share, and what
// smoothing spreads over all of them.
struct Shares {
  const float* weight;
  int32_t classes, label;
  double smoothing;

  double of(int32_t c) const {
    const double own = c == label ? (1.0 - smoothing) * weight_of(weight, c) : 0.0;
    return smoothing == 0.0 ? own : own + smoothing / classes * weight_of(weight, c);
  }
};

}  // namespace

// The labels' weights, of those that are not ignored: what a mean is divided by.
void cross_entropy_total(const Work& work, int64_t, int64_t) {
  const auto& p = params_of<CrossEntropyTotalParams>(work);
  const int32_t* labels = operand<const int32_t>(work, 0);
  const float* weight = operand<const float>(work, 1);
  double total = 0.0;
  for (int64_t n = 0; n < work.batch; ++n) {
    const bool known = labels[n] >= 0 && labels[n] < p.classes;
    if (labels[n] != p.ignore) total += known ? weight_of(weight, labels[n]) : 1.0;
  }
  *operand<float>(work, 2) = static_cast<float>(total);
}

// A label outside 0..classes-1 makes the loss and its gradient NaN; one that is to be ignored makes both 0.
// All is NaN where a mean has nothing to divide by.
void cross_entropy_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<CrossEntropyParams>(work);
  const int32_t classes = p.classes;
  const int32_t* labels = operand<const int32_t>(work, 1);
  const double total = p.sum ? 1.0 : static_cast<double>(*operand<const float>(work, 3));
  const double nan = static_cast<double>(__builtin_nanf(""));
  float* losses = operand<float>(work, 4);
  int32_t* hits = operand<int32_t>(work, 5);
  float* all_grads = operand<float>(work, 6);
  for (int64_t n = begin; n < end; ++n) {
    const float* logits = operand<const float>(work, 0) + n * classes;
    const int32_t label = labels[n];
    const bool ignored = label == p.ignore;
    const bool known = label >= 0 && label < classes;
    const Shares shares{operand<const float>(work, 2), classes, ignored ? -1 : label,
                        ignored ? 0.0 : static_cast<double>(float_of(p.smoothing))};
    const int32_t best = argmax(logits, classes);
    const double largest = p.normalised ? 0.0 : static_cast<double>(logits[best]);
    double sum = 1.0;
    if (!p.normalised) {
      sum = 0.0;
      for (int32_t c = 0; c < classes; ++c) sum += exponential(static_cast<double>(logits[c]) - largest);
    }
    const double log_sum = p.normalised ? 0.0 : logarithm(sum);
    double loss = 0.0, count = 0.0;
    for (int32_t c = 0; c < classes; ++c) {
      const double share = shares.of(c);
      if (share == 0.0) continue;
      loss += share * (log_sum - (static_cast<double>(logits[c]) - largest));
      count += share;
    }
    const bool none = !(known || ignored) || total == 0.0;
    losses[n] = static_cast<float>(none ? nan : loss);
    hits[n] = !ignored && best == label;
    if (!all_grads) continue;
    float* grad = all_grads + n * classes;
    const double scale = none ? nan : 1.0 / total;
    for (int32_t c = 0; c < classes; ++c) {
      double slope = -shares.of(c);
      if (!p.normalised && !ignored) {
        slope += count * (exponential(static_cast<double>(logits[c]) - largest) / sum);
      }
      grad[c] = static_cast<float>(slope * scale);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
