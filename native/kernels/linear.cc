// y = x W + b and its gradients. Lanes are outputs, so no sum is split over them.
#include <utility>

#include "../simd/unroll.h"
#include "elementwise.h"
#include "kernel.h"
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
  Vec even[images], odd[images];
  unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
    even[r.value] = bias ? load_lanes(bias, lanes) : zero();
    odd[r.value] = zero();
  });
  int64_t i = 0;
  for (; i + 2 <= IN; i += 2) {
    const Vec w0 = load_lanes(weight + i * OUT, lanes);
    const Vec w1 = load_lanes(weight + (i + 1) * OUT, lanes);
    unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
      even[r.value] = fma(broadcast(x[r.value * IN + i]), w0, even[r.value]);
      odd[r.value] = fma(broadcast(x[r.value * IN + i + 1]), w1, odd[r.value]);
    });
  }
  if (i < IN) {
    const Vec w = load_lanes(weight + i * OUT, lanes);
    unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
      even[r.value] = fma(broadcast(x[r.value * IN + i]), w, even[r.value]);
    });
  }
  unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
    store_lanes(y + r.value * OUT, add(even[r.value], odd[r.value]), lanes);
  });
}

template <int images>
void product_rows(const float* x, const float* weight, const float* bias, float* y, int64_t IN, int64_t OUT) {
  each_vector(0, OUT, [&](int64_t o, int lanes) TWILL_INLINE_LAMBDA {
    product_block<images>(x, weight + o, bias ? bias + o : nullptr, y + o, IN, OUT, lanes);
  });
}

using RowsFunction = void (*)(const float* x, const float* weight, const float* bias, float* y, int64_t IN,
                              int64_t OUT);

constexpr bool has_code(int images) { return !kCompact || images == 1 || images == 3 || images == kImages; }

struct ProductTable {
  RowsFunction of[kImages];  // by images less one; null where there is no code
};

template <int... kIndex>
constexpr ProductTable make_table(std::integer_sequence<int, kIndex...>) {
  return {{has_code(kIndex + 1) ? product_rows<kIndex + 1> : nullptr...}};
}

constexpr ProductTable kProducts = make_table(std::make_integer_sequence<int, kImages>{});

// y [count][OUT] = x [count][IN] weight [IN][OUT] (+ bias), in as few blocks of images as do, of equal size.
void product(const float* x, const float* weight, const float* bias, float* y, int64_t count, int64_t IN,
             int64_t OUT) {
  for (int64_t n = 0, images; n < count; n += images) {
    const int64_t blocks = (count - n + kImages - 1) / kImages;
    images = (count - n + blocks - 1) / blocks;
    while (!kProducts.of[images - 1]) --images;
    kProducts.of[images - 1](x + n * IN, weight, bias, y + n * OUT, IN, OUT);
  }
}

// Rows of the weight gradient that share each load of grad_output.
constexpr int kRows = kRegisters == 32 ? 16 : 12;

// grad_weight[i .. i + rows) for one vector of outputs: one chain an element, images in order across tiles.
template <int rows>
TWILL_INLINE void weight_block(const float* x, const float* grad_output, float* grad_weight, int64_t count,
                               int64_t IN, int64_t OUT, bool first, int lanes) {
  Vec sum[rows];
  unroll<0, rows>([&](auto r) TWILL_INLINE_LAMBDA {
    sum[r.value] = first ? zero() : load_lanes(grad_weight + r.value * OUT, lanes);
  });
  for (int64_t n = 0; n < count; ++n) {
    const Vec g = load_lanes(grad_output + n * OUT, lanes);
    unroll<0, rows>([&](auto r) TWILL_INLINE_LAMBDA {
      sum[r.value] = fma(broadcast(x[n * IN + r.value]), g, sum[r.value]);
    });
  }
  unroll<0, rows>([&](auto r) TWILL_INLINE_LAMBDA {
    float* row = grad_weight + r.value * OUT;
    store_lanes(row, sum[r.value], lanes);
  });
}

template <int rows>
TWILL_INLINE void weight_rows(const float* x, const float* grad_output, float* grad_weight, int64_t count,
                              int64_t IN, int64_t OUT, bool first) {
  each_vector(0, OUT, [&](int64_t o, int lanes) TWILL_INLINE_LAMBDA {
    weight_block<rows>(x, grad_output + o, grad_weight + o, count, IN, OUT, first, lanes);
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
  const int64_t count = end - begin;
  int64_t i = 0;
  for (; i + kRows <= p.IN; i += kRows) {
    weight_rows<kRows>(x + i, grad_output, grad_weight + i * p.OUT, count, p.IN, p.OUT, work.first);
  }
  for (; i < p.IN; ++i) {
    weight_rows<1>(x + i, grad_output, grad_weight + i * p.OUT, count, p.IN, p.OUT, work.first);
  }
  if (!grad_bias) return;
  each_vector(0, p.OUT, [&](int64_t o, int lanes) {
    Vec sum = work.first ? zero() : load_lanes(grad_bias + o, lanes);
    for (int64_t n = 0; n < count; ++n) sum = add(sum, load_lanes(grad_output + n * p.OUT + o, lanes));
    store_lanes(grad_bias + o, sum, lanes);
  });
}

}  // namespace TWILL_ISA
}  // namespace twill
