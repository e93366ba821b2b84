// The convolution kernels against the machine's FMA peak, on one thread:
//
//   g++ -std=c++17 -O3 -march=native -ffp-contract=off -DTWILL_ISA=avx512 bench/native/*.cc native/kernels/conv2d_*.cc
//   ./a.out [part of a layer's name]
//
// TWILL_ISA must be what -march selects (avx512, avx2, sse2, neon). GFLOP/s are nominal: every tap of every output
// counts, also those that fall on padding and need no arithmetic, and the unpooled outputs' taps in the pooled
// kernels, so a figure may pass 100 %. The peak is measured anew before every layer; times are the best of several.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

#include "../../native/kernels/kernel.h"
#include "../../native/simd/simd.h"
#include "../../native/simd/unroll.h"

namespace {

using namespace twill;

#define TWILL_TEXT(name) #name
#define TWILL_NAME_OF(macro) TWILL_TEXT(macro)

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// The best of the runs that fit into `budget` seconds, three at least.
template <typename Body>
double best_seconds(double budget, const Body& body) {
  double best = 1e9;
  const double start = now();
  for (int run = 0; run < 3 || now() - start < budget; ++run) {
    const double begin = now();
    body();
    const double seconds = now() - begin;
    if (seconds < best) best = seconds;
  }
  return best;
}

// 12 chains of multiply-adds: 2 a cycle at a latency of 4-5 need 10, and 12 fit into 16 registers.
double peak_gflops() {
  using namespace simd;
  constexpr int kChains = 12, kRounds = 20000;
  static float start[kChains + kWidth];
  static volatile float sink;  // a result that nobody may see need not be computed
  for (int i = 0; i < kChains + kWidth; ++i) start[i] = static_cast<float>(i);
  const Vec factor = broadcast(0.5f);
  Vec chain[kChains];
  unroll<0, kChains>([&](auto i) TWILL_INLINE_LAMBDA { chain[i.value] = load(start + i.value); });
  const double seconds = best_seconds(0.004, [&] {
    for (int round = 0; round < kRounds; ++round) {
      unroll<0, kChains>([&](auto i) TWILL_INLINE_LAMBDA { chain[i.value] = fma(chain[i.value], factor, factor); });
    }
  });
  unroll<0, kChains>([&](auto i) TWILL_INLINE_LAMBDA { store(start + i.value, chain[i.value]); });
  for (float value : start) sink = value;
  return 2.0 * kChains * kRounds * kWidth / seconds * 1e-9;
}

struct Layer {
  const char* name;
  int IC, OC, size, kernel, pad, stride, dilation, groups, pool;
};

constexpr Layer kLayers[] = {
    {"article conv1 1>16 5x5 28", 1, 16, 28, 5, 2, 1, 1, 1, 2},
    {"article conv2 16>32 5x5 14", 16, 32, 14, 5, 2, 1, 1, 1, 2},
    {"first 3>16 3x3 32", 3, 16, 32, 3, 1, 1, 1, 1, 2},
    {"first 3>32 3x3 64", 3, 32, 64, 3, 1, 1, 1, 1, 2},
    {"first 3>64 7x7 s2 64", 3, 64, 64, 7, 3, 2, 1, 1, 2},
    {"8>8 3x3 28", 8, 8, 28, 3, 1, 1, 1, 1, 2},
    {"16>16 3x3 32", 16, 16, 32, 3, 1, 1, 1, 1, 2},
    {"32>32 3x3 28", 32, 32, 28, 3, 1, 1, 1, 1, 2},
    {"32>64 3x3 14", 32, 64, 14, 3, 1, 1, 1, 1, 2},
    {"64>64 3x3 14", 64, 64, 14, 3, 1, 1, 1, 1, 2},
    {"64>64 3x3 56", 64, 64, 56, 3, 1, 1, 1, 1, 2},
    {"128>128 3x3 7", 128, 128, 7, 3, 1, 1, 1, 1, 0},
    {"128>128 3x3 14", 128, 128, 14, 3, 1, 1, 1, 1, 2},
    {"32>32 5x5 28", 32, 32, 28, 5, 2, 1, 1, 1, 2},
    {"64>128 1x1 28", 64, 128, 28, 1, 0, 1, 1, 1, 0},
    {"128>32 1x1 14", 128, 32, 14, 1, 0, 1, 1, 1, 0},
    {"32>64 3x3 s2 28", 32, 64, 28, 3, 1, 2, 1, 1, 0},
    {"64>64 3x3 d2 28", 64, 64, 28, 3, 2, 1, 2, 1, 0},
    {"6>16 5x5 pad0 14", 6, 16, 14, 5, 0, 1, 1, 1, 2},
    {"20>50 5x5 pad0 12", 20, 50, 12, 5, 0, 1, 1, 1, 2},
    {"24>40 3x3 28", 24, 40, 28, 3, 1, 1, 1, 1, 2},
    {"64>64 3x3 g4 28", 64, 64, 28, 3, 1, 1, 1, 4, 0},
    {"depthwise 64 3x3 28", 64, 64, 28, 3, 1, 1, 1, 64, 0},
    {"depthwise 64 3x3 s2 28", 64, 64, 28, 3, 1, 2, 1, 64, 0},
};

void fill(std::vector<float>& values, unsigned seed) {
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int>(seed >> 8) - (1 << 23)) / (1 << 23);
  }
}

// One layer's tensors for a batch that stays in L2, as it does when the runtime walks a batch in tiles.
class Bench {
 public:
  explicit Bench(const Layer& layer) : layer_(layer) {
    const int span = (layer.kernel - 1) * layer.dilation + 1;
    const int out = (layer.size + 2 * layer.pad - span) / layer.stride + 1;
    p_ = {layer.IC,     layer.size,   layer.size, layer.OC,  out,       out,            layer.kernel,   layer.kernel,
          layer.stride, layer.stride, layer.pad,  layer.pad, layer.dilation, layer.dilation, layer.groups, 1,
          layer.pool,   layer.pool,   0,          0};
    if (layer.pool) p_.PH = p_.PW = out / layer.pool;
    const int64_t x = int64_t{1} * layer.IC * layer.size * layer.size, y = int64_t{1} * layer.OC * out * out;
    flops_ = 2.0 * static_cast<double>(y) * layer.kernel * layer.kernel * (layer.IC / layer.groups);
    batch_ = static_cast<int>(65536 / (x + y));
    if (batch_ < 1) batch_ = 1;
    if (batch_ > 8) batch_ = 8;
    const int64_t pooled = layer.pool ? int64_t{1} * p_.PH * p_.PW * layer.OC : 0;
    x_.resize(x * batch_);
    y_.resize(y * batch_);
    grad_output_.resize(y * batch_);
    grad_input_.resize(x * batch_);
    weight_.resize(int64_t{1} * layer.OC * layer.kernel * layer.kernel * (layer.IC / layer.groups));
    weight_t_.resize(weight_.size());
    grad_weight_.resize(weight_.size());
    bias_.resize(layer.OC);
    grad_bias_.resize(layer.OC);
    pooled_.resize(pooled * batch_);
    grad_pooled_.resize(pooled * batch_);
    argmax_.resize(pooled * batch_);
    fill(x_, 1), fill(weight_, 2), fill(weight_t_, 3), fill(bias_, 4), fill(grad_output_, 5), fill(grad_pooled_, 6);
  }

  void print() {
    std::printf("%-27s", layer_.name);
    measure(TWILL_ISA::conv2d_forward, {x_.data(), weight_.data(), bias_.data(), y_.data()});
    measure(TWILL_ISA::conv2d_backward_input, {grad_output_.data(), weight_t_.data(), grad_input_.data()});
    measure(TWILL_ISA::conv2d_backward_weight, {x_.data(), grad_output_.data(), grad_weight_.data(), grad_bias_.data()});
    if (layer_.pool) {
      measure(TWILL_ISA::conv2d_pool_forward, {x_.data(), weight_.data(), bias_.data(), pooled_.data(), argmax_.data()});
      measure(TWILL_ISA::conv2d_pool_backward_input,
              {grad_pooled_.data(), argmax_.data(), weight_t_.data(), grad_input_.data()});
      measure(TWILL_ISA::conv2d_pool_backward_weight,
              {x_.data(), grad_pooled_.data(), argmax_.data(), grad_weight_.data(), grad_bias_.data()});
    }
    std::printf("\n");
  }

 private:
  void measure(Kernel kernel, std::vector<void*> operands) {
    const double peak = peak_gflops();
    const Work work{reinterpret_cast<const int32_t*>(&p_), operands.data(), batch_, 1, true};
    const double seconds = best_seconds(0.04, [&] { kernel(work, 0, batch_); }) / batch_;
    const double gflops = flops_ / seconds * 1e-9;
    std::printf(" |%8.2f %4.0f %4.0f%%", seconds * 1e6, gflops, 100 * gflops / peak);
  }

  Layer layer_;
  Conv2dPoolParams p_;
  double flops_;
  int batch_;
  std::vector<float> x_, y_, grad_output_, grad_input_, weight_, weight_t_, grad_weight_, bias_, grad_bias_, pooled_,
      grad_pooled_;
  std::vector<uint8_t> argmax_;
};

}  // namespace

int main(int argc, char** argv) {
  std::printf("%s, %d lanes, peak %.0f GFLOP/s; each: us an image, GFLOP/s, %% of peak\n", TWILL_NAME_OF(TWILL_ISA),
              simd::kWidth, peak_gflops());
  std::printf("%-27s | %-18s | %-18s | %-18s | %-18s | %-18s | %-18s\n", "layer", "forward", "backward_input",
              "backward_weight", "pool_forward", "pool_backward_in", "pool_backward_weig");
  for (const Layer& layer : kLayers)
    if (argc < 2 || std::strstr(layer.name, argv[1])) Bench(layer).print();
  return 0;
}
