// The convolution kernels against the machine's FMA peak, on one thread:
//
//   g++ -std=c++17 -O3 -march=native -ffp-contract=off -DTWILL_ISA=avx512 bench/native/*.cc
//   native/kernels/conv2d_*.cc
//   ./a.out [part of a layer's name]
//
// TWILL_ISA must be what -march selects (avx512, avx2, sse2, neon). GFLOP/s are nominal: every tap of every
// output counts, also those that fall on padding and need no arithmetic, and the unpooled outputs' taps in
// the pooled kernels, so a figure may pass 100 %. The peak is measured anew before every layer; times are the
// best of several.
#include <algorithm>
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

volatile float sink;  // what nobody may see need not be computed

// 12 chains of multiply-adds: 2 a cycle at a latency of 4-5 need 10, and 12 fit into 16 registers.
double peak_gflops() {
  using namespace simd;
  constexpr int kChains = 12, kRounds = 20000;
  static float start[kChains + kWidth];
  for (int i = 0; i < kChains + kWidth; ++i) start[i] = static_cast<float>(i);
  const Vec factor = broadcast(0.5f);
  Vec chain[kChains];
  unroll<0, kChains>([&](auto i) TWILL_INLINE_LAMBDA { chain[i.value] = load(start + i.value); });
  const double seconds = best_seconds(0.004, [&] {
    for (int round = 0; round < kRounds; ++round) {
      unroll<0, kChains>([&](auto i)
                             TWILL_INLINE_LAMBDA { chain[i.value] = fma(chain[i.value], factor, factor); });
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
    {"1>8 3x3 28", 1, 8, 28, 3, 1, 1, 1, 1, 2},
    {"33>65 3x3 14", 33, 65, 14, 3, 1, 1, 1, 1, 0},
    {"16>10 1x1 28", 16, 10, 28, 1, 0, 1, 1, 1, 0},
    {"32>3 3x3 32", 32, 3, 32, 3, 1, 1, 1, 1, 0},
    {"24>40 3x3 28", 24, 40, 28, 3, 1, 1, 1, 1, 2},
    {"64>64 3x3 g4 28", 64, 64, 28, 3, 1, 1, 1, 4, 0},
    {"depthwise 64 3x3 28", 64, 64, 28, 3, 1, 1, 1, 64, 0},
    {"depthwise 64 3x3 s2 28", 64, 64, 28, 3, 1, 2, 1, 64, 0},
};

// Aligned as the runtime's buffers are.
template <typename T>
class Buffer {
 public:
  explicit Buffer(int64_t size) : values_(size + 64 / sizeof(T)), size_(size) {}
  T* data() {
    const auto address = reinterpret_cast<uintptr_t>(values_.data());
    return values_.data() + ((address + 63) / 64 * 64 - address) / sizeof(T);
  }
  void fill(unsigned seed) {
    for (int64_t i = 0; i < size_; ++i) {
      seed = seed * 1664525u + 1013904223u;
      data()[i] = static_cast<T>(static_cast<int>(seed >> 8) - (1 << 23)) / (1 << 23);
    }
  }

 private:
  std::vector<T> values_;
  int64_t size_;
};

int out_size(const Layer& layer) {
  return (layer.size + 2 * layer.pad - (layer.kernel - 1) * layer.dilation - 1) / layer.stride + 1;
}

Conv2dPoolParams params_for(const Layer& l) {
  const int out = out_size(l), pooled = l.pool ? out / l.pool : 0;
  return {l.IC,  l.size, l.size,     l.OC,       out,      out, l.kernel, l.kernel, l.stride, l.stride,
          l.pad, l.pad,  l.dilation, l.dilation, l.groups, 1,   l.pool,   l.pool,   pooled,   pooled};
}

int64_t volume(int channels, int height, int width) { return int64_t{1} * channels * height * width; }

// One layer's tensors for a batch that stays in L2, as it does when the runtime walks a batch in tiles.
class Bench {
 public:
  explicit Bench(const Layer& layer)
      : layer_(layer),
        p_(params_for(layer)),
        x_size_(volume(p_.IC, p_.IH, p_.IW)),
        y_size_(volume(p_.OC, p_.OH, p_.OW)),
        pooled_size_(volume(p_.OC, p_.PH, p_.PW)),
        weight_size_(volume(p_.OC * (p_.IC / p_.groups), p_.KH, p_.KW)),
        batch_(std::clamp<int>(65536 / (x_size_ + y_size_), 1, 8)) {
    x_.fill(1), weight_.fill(2), weight_t_.fill(3), bias_.fill(4), grad_output_.fill(5), grad_pooled_.fill(6);
  }

  void print() {
    std::printf("%-27s", layer_.name);
    measure(TWILL_ISA::conv2d_forward, {x_.data(), weight_.data(), bias_.data(), y_.data()});
    measure(TWILL_ISA::conv2d_backward_input, {grad_output_.data(), weight_t_.data(), grad_input_.data()});
    measure(TWILL_ISA::conv2d_backward_weight,
            {x_.data(), grad_output_.data(), grad_weight_.data(), grad_bias_.data()});
    if (layer_.pool) {
      measure(TWILL_ISA::conv2d_pool_forward,
              {x_.data(), weight_.data(), bias_.data(), pooled_.data(), argmax_.data()});
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
    const double flops = 2.0 * static_cast<double>(y_size_) * p_.KH * p_.KW * (p_.IC / p_.groups);
    const double gflops = flops / seconds * 1e-9;
    std::printf(" |%8.2f %4.0f %4.0f%%", seconds * 1e6, gflops, 100 * gflops / peak);
  }

  Layer layer_;
  Conv2dPoolParams p_;
  int64_t x_size_, y_size_, pooled_size_, weight_size_;
  int batch_;
  Buffer<float> x_{x_size_ * batch_}, y_{y_size_ * batch_}, pooled_{pooled_size_ * batch_};
  Buffer<float> grad_output_{y_size_ * batch_}, grad_input_{x_size_ * batch_},
      grad_pooled_{pooled_size_ * batch_};
  Buffer<float> weight_{weight_size_}, weight_t_{weight_size_}, grad_weight_{weight_size_};
  Buffer<float> bias_{p_.OC}, grad_bias_{p_.OC};
  Buffer<uint8_t> argmax_{pooled_size_ * batch_};
};

}  // namespace

int main(int argc, char** argv) {
  std::printf("%s, %d lanes, peak %.0f GFLOP/s; each: us an image, GFLOP/s, %% of peak\n",
              TWILL_NAME_OF(TWILL_ISA), simd::kWidth, peak_gflops());
  std::printf("%-27s | %-18s | %-18s | %-18s | %-18s | %-18s | %-18s\n", "layer", "forward", "backward_input",
              "backward_weight", "pool_forward", "pool_backward_in", "pool_backward_weig");
  for (const Layer& layer : kLayers)
    if (argc < 2 || std::strstr(layer.name, argv[1])) Bench(layer).print();
  return 0;
}
