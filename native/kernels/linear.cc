// y = x W + b and its gradients. Lanes are outputs, so no sum is split over them.
#include "bias_gradient.h"
#include "elementwise.h"
#include "image_blocks.h"
#include "kernel.h"
#include "outer_products.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// Images that share each load of a weight. Every sum runs in two chains, so a block has 2 * kImages of them:
// 16 of the 32 registers of AVX-512 and NEON, 12 of 16 otherwise, beside 2 weights and a broadcast. Both
// cover the 8-10 FMAs that must be in flight, and one image alone (batch 1) still has two.
constexpr int kImages = kRegisters == 32 ? 8 : 6;

// One vector of outputs of `images` rows of x: even and odd inputs are summed apart and added at the end.
template <int images>
TWILL_INLINE void product_block(const float* x, const float* weight, const float* bias, float* y, int64_t IN,
                                int64_t OUT, int lanes) {
  const auto outputs = [&](const float* at) TWILL_INLINE_LAMBDA {
    return kMasksAreFree ? load_partial(at, lanes) : load_lanes(at, lanes);
  };
  Vec even[images], odd[images];
  unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
    even[r.value] = bias ? outputs(bias) : zero();
    odd[r.value] = zero();
  });
  int64_t i = 0;
  for (; i + 2 <= IN; i += 2) {
    const Vec w0 = outputs(weight + i * OUT);
    const Vec w1 = outputs(weight + (i + 1) * OUT);
    unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
      even[r.value] = fma(broadcast(x[r.value * IN + i]), w0, even[r.value]);
      odd[r.value] = fma(broadcast(x[r.value * IN + i + 1]), w1, odd[r.value]);
    });
  }
  if (i < IN) {
    const Vec w = outputs(weight + i * OUT);
    unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
      even[r.value] = fma(broadcast(x[r.value * IN + i]), w, even[r.value]);
    });
  }
  unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
    const Vec sum = add(even[r.value], odd[r.value]);
    if (kMasksAreFree) {
      store_partial(y + r.value * OUT, sum, lanes);
    } else {
      store_lanes(y + r.value * OUT, sum, lanes);
    }
  });
}

template <int images>
void product_rows(const float* x, const float* weight, const float* bias, float* y, int64_t IN, int64_t OUT) {
  const auto block = [&](int64_t o, int lanes) TWILL_INLINE_LAMBDA {
    product_block<images>(x, weight + o, bias ? bias + o : nullptr, y + o, IN, OUT, lanes);
  };
  if constexpr (kMasksAreFree || kCompact) {
    each_lanes(0, OUT, block);
  } else {
    each_vector(0, OUT, block);
  }
}

// y [count][OUT] = x [count][IN] weight [IN][OUT] (+ bias).
void product(const float* x, const float* weight, const float* bias, float* y, int64_t count, int64_t IN,
             int64_t OUT) {
  each_block<kImages>(count, [&](int64_t n, auto images) TWILL_INLINE_LAMBDA {
    product_rows<images.value>(x + n * IN, weight, bias, y + n * OUT, IN, OUT);
  });
}

}  // namespace

void linear_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<LinearParams>(work);
  const float* x = operand<const float>(work, 0) + begin * p.IN;
  float* y = operand<float>(work, 3) + begin * p.OUT;
  product(x, operand<const float>(work, 1), operand<const float>(work, 2), y, end - begin, p.IN, p.OUT);
}

void linear_backward_input(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<LinearParams>(work);
  const float* grad_output = operand<const float>(work, 0) + begin * p.OUT;
  float* grad_input = operand<float>(work, 2) + begin * p.IN;
  product(grad_output, operand<const float>(work, 1), nullptr, grad_input, end - begin, p.OUT, p.IN);
}

void linear_backward_weight(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<LinearParams>(work);
  const float* x = operand<const float>(work, 0) + begin * p.IN;
  const float* grad_output = operand<const float>(work, 1) + begin * p.OUT;
  float* grad_weight = operand<float>(work, 2);
  float* grad_bias = operand<float>(work, 3);
  const int images = static_cast<int>(end - begin);
  add_outer_products({1, 1, images}, {{x, 0, 0, p.IN}, 1, p.IN, 0}, {grad_output, 0, 0, p.OUT}, p.OUT,
                     {grad_weight, 0, p.OUT, work.first});
  if (!grad_bias) return;
  if (work.first) zero_floats(grad_bias, p.OUT);
  const auto gradient = [&](int64_t at, int lanes)
                            TWILL_INLINE_LAMBDA { return load_lanes(grad_output + at, lanes); };
  add_bias(images, p.OUT, gradient, grad_bias);
}

}  // namespace TWILL_ISA
}  // namespace twill
