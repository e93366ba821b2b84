// The convolution kernels on random shapes, against plain float64 loops, one program an instruction set:
//
//   npm run build:test && build/test/conv2d_test_avx512 [cases] [first seed]
//
// Sums must lie within c * terms * eps *
// sum|a * b| of the reference; pooled values and places must be those of the unpooled kernel exactly. Every
// output lies between guards, and with -fsanitize=address,undefined every input does. The last line has a
// hash of all outputs' bits: instruction sets with a fused multiply-add print the same one.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../../native/kernels/kernels.h"

namespace {

using namespace twill;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int integer(int low, int high) { return low + static_cast<int>(engine_() % unsigned(high - low + 1)); }
  bool one_in(int n) { return integer(1, n) == 1; }
  float real() { return static_cast<float>(integer(-10000, 10000)) / 7000.0f; }
  std::vector<float> reals(int64_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = real();
    return values;
  }

 private:
  std::mt19937 engine_;
};

// An output that notices being left or overrun.
template <typename T>
class Guarded {
 public:
  explicit Guarded(int64_t size) : size_(size), values_(size + 2 * kGuard, kUntouched) {}
  T* data() { return values_.data() + kGuard; }
  T operator[](int64_t i) const { return values_[kGuard + i]; }
  int64_t size() const { return size_; }
  bool intact() const {
    for (int i = 0; i < kGuard; ++i)
      if (values_[i] != kUntouched || values_[kGuard + size_ + i] != kUntouched) return false;
    return true;
  }

 private:
  static constexpr int kGuard = 64;
  static constexpr T kUntouched = static_cast<T>(171);
  int64_t size_;
  std::vector<T> values_;
};

struct Case {
  Conv2dPoolParams p = {};
  int images = 1, bands = 1;
  bool bias = true, argmax = true, nan = false;

  int64_t x_at(int n, int h, int w, int c) const { return ((int64_t{n} * p.IH + h) * p.IW + w) * p.IC + c; }
  int64_t y_at(int n, int h, int w, int c) const { return ((int64_t{n} * p.OH + h) * p.OW + w) * p.OC + c; }
  int64_t pooled_at(int n, int h, int w, int c) const {
    return ((int64_t{n} * p.PH + h) * p.PW + w) * p.OC + c;
  }
  int64_t x_size() const { return x_at(images, 0, 0, 0); }
  int64_t y_size() const { return y_at(images, 0, 0, 0); }
  int64_t pooled_size() const { return pooled_at(images, 0, 0, 0); }

  std::string text() const {
    char text[300];
    std::snprintf(
        text, sizeof text,
        "batch %d, %d > %d channels in %d groups, kernel %dx%d, stride %d,%d, padding %d,%d, dilation %d,%d, "
        "%dx%d > %dx%d, pool %dx%d, relu %d, bias %d, nan %d",
        images, p.IC, p.OC, p.groups, p.KH, p.KW, p.stride_h, p.stride_w, p.pad_h, p.pad_w, p.dilation_h,
        p.dilation_w, p.IH, p.IW, p.OH, p.OW, p.pool_h, p.pool_w, p.relu, bias, nan);
    return text;
  }
};

// Channel counts around every vector width, kernels larger than the image, strides larger than the kernel.
Case random_case(Random& random) {
  static constexpr int kChannels[] = {1,  2,  3,  4,  5,  7,  8,  9,  12, 15, 16,
                                      17, 20, 24, 31, 32, 33, 36, 40, 48, 64, 70};
  const auto channels = [&] { return kChannels[random.integer(0, 21)]; };
  Case c;
  Conv2dPoolParams& p = c.p;
  const int kind = random.integer(0, 9);
  p.groups = kind == 0 ? random.integer(1, 40) : kind == 1 ? random.integer(2, 4) : 1;
  p.IC = p.groups * (kind == 0 ? 1 : kind == 1 ? random.integer(1, 9) : channels());
  p.OC = p.groups * (kind == 0 ? 1 : kind == 1 ? random.integer(1, 20) : channels());
  const bool plain = kind >= 5;
  const auto axis = [&](int largest, int32_t& in, int32_t& out, int32_t& kernel, int32_t& stride,
                        int32_t& pad, int32_t& dilation) {
    kernel = random.integer(1, random.one_in(8) ? 11 : 5);
    stride = plain ? 1 : random.integer(1, 3);
    dilation = random.one_in(4) ? random.integer(1, 3) : 1;
    const int span = (kernel - 1) * dilation;
    pad = plain && random.one_in(2) ? (kernel - 1) / 2 : random.integer(0, span + (random.one_in(6) ? 2 : 0));
    do in = random.integer(1, largest);
    while (in + 2 * pad <= span);
    out = (in + 2 * pad - span - 1) / stride + 1;
  };
  axis(34, p.IH, p.OH, p.KH, p.stride_h, p.pad_h, p.dilation_h);
  axis(34, p.IW, p.OW, p.KW, p.stride_w, p.pad_w, p.dilation_w);
  p.relu = random.integer(0, 1);
  p.pool_h = random.one_in(3) ? 2 : random.integer(1, 3);
  p.pool_w = random.one_in(3) ? 2 : random.integer(1, 3);
  if (random.one_in(10) && p.OH * p.OW <= 254) p.pool_h = p.OH, p.pool_w = p.OW;
  p.PH = p.OH / p.pool_h;
  p.PW = p.OW / p.pool_w;
  c.images = random.integer(1, 2);
  c.bands = random.one_in(2) ? random.integer(2, 5) : 1;
  c.bias = !random.one_in(4);
  c.argmax = !random.one_in(6);
  c.nan = random.one_in(8);
  return c;
}

class Test {
 public:
  explicit Test(unsigned seed) : seed_(seed), random_(seed), c_(random_case(random_)), p_(c_.p) {
    if (c_.nan) x_[random_.integer(0, int(c_.x_size()) - 1)] = grad_output_[0] = NAN;
    transpose();
  }

  // The number of failures; `hash` takes up the bits of all outputs.
  int run(uint64_t& hash) {
    call(TWILL_ISA::conv2d_forward, p_, {x_.data(), weight_.data(), bias(), y_.data()}, c_.bands);
    Conv2dPoolParams linear = p_;
    linear.relu = 0;
    call(TWILL_ISA::conv2d_forward, linear, {x_.data(), weight_.data(), bias(), linear_y_.data()});
    call(TWILL_ISA::conv2d_backward_input, p_, {grad_output_.data(), weight_t_.data(), grad_input_.data()});
    call(TWILL_ISA::conv2d_pool_forward, p_,
         {x_.data(), weight_.data(), bias(), pooled_.data(), c_.argmax ? argmax_.data() : nullptr}, c_.bands);
    compare_sums();
    compare_pooled();
    const bool intact =
        y_.intact() && linear_y_.intact() && grad_input_.intact() && pooled_.intact() && argmax_.intact();
    expect(intact, "guards intact", 0, true, 0);
    for (Guarded<float>* output : {&y_, &grad_input_, &pooled_})
      for (int64_t i = 0; i < output->size(); ++i) mix(hash, (*output)[i]);
    for (int64_t i = 0; c_.argmax && i < argmax_.size(); ++i) mix(hash, argmax_[i]);
    return failures_;
  }

 private:
  void* bias() { return c_.bias ? bias_.data() : nullptr; }

  // Image by image, each cut into bands of rows.
  void call(Kernel kernel, const Conv2dPoolParams& params, std::vector<void*> operands, int bands = 1) {
    for (int n = 0; n < c_.images; ++n)
      for (int band = 0; band < bands; ++band) {
        const auto* words = reinterpret_cast<const int32_t*>(&params);
        kernel(Work{words, operands.data(), c_.images, 1, true, band, bands}, n, n + 1);
      }
  }

  int64_t weight_at(int tap, int ic, int oc) const {
    const int ICG = p_.IC / p_.groups, OCG = p_.OC / p_.groups;
    return ((int64_t{oc / OCG} * p_.KH * p_.KW + tap) * ICG + ic) * OCG + oc % OCG;
  }

  void transpose() {
    const int ICG = p_.IC / p_.groups, taps = p_.KH * p_.KW;
    for (int oc = 0; oc < p_.OC; ++oc)
      for (int tap = 0; tap < taps; ++tap)
        for (int ic = 0; ic < ICG; ++ic)
          weight_t_[(int64_t{oc} * taps + tap) * ICG + ic] = weight_[weight_at(tap, ic, oc)];
  }

  // body(x index, y index, weight) for every product of the convolution
  template <typename Body>
  void for_products(const Body& body) const {
    const int ICG = p_.IC / p_.groups, OCG = p_.OC / p_.groups;
    for (int n = 0; n < c_.images; ++n)
      for (int oh = 0; oh < p_.OH; ++oh)
        for (int ow = 0; ow < p_.OW; ++ow)
          for (int tap = 0; tap < p_.KH * p_.KW; ++tap) {
            const int ih = oh * p_.stride_h - p_.pad_h + tap / p_.KW * p_.dilation_h;
            const int iw = ow * p_.stride_w - p_.pad_w + tap % p_.KW * p_.dilation_w;
            if (ih < 0 || ih >= p_.IH || iw < 0 || iw >= p_.IW) continue;
            for (int oc = 0; oc < p_.OC; ++oc)
              for (int ic = 0; ic < ICG; ++ic)
                body(c_.x_at(n, ih, iw, oc / OCG * ICG + ic), c_.y_at(n, oh, ow, oc),
                     double{weight_[weight_at(tap, ic, oc)]});
          }
  }

  void compare_sums() {
    std::vector<double> y(c_.y_size()), y_sizes(c_.y_size()), grad(c_.x_size()), grad_sizes(c_.x_size());
    for (int64_t i = 0; i < c_.y_size(); ++i) {
      y[i] = c_.bias ? bias_[i % p_.OC] : 0.0;
      y_sizes[i] = std::fabs(y[i]);
    }
    for_products([&](int64_t in, int64_t out, double weight) {
      y[out] += x_[in] * weight;
      y_sizes[out] += std::fabs(x_[in] * weight);
      grad[in] += grad_output_[out] * weight;
      grad_sizes[in] += std::fabs(grad_output_[out] * weight);
    });
    const double eps = 6e-8 * p_.KH * p_.KW / p_.groups;
    for (int64_t i = 0; i < c_.y_size(); ++i) {
      expect(linear_y_[i], "forward", i, y[i], eps * (p_.IC + p_.groups) * y_sizes[i]);
      const float rectified = linear_y_[i] < 0 ? 0.0f : linear_y_[i];
      expect(y_[i], "forward with relu", i, p_.relu ? rectified : linear_y_[i], 0);
    }
    for (int64_t i = 0; i < c_.x_size(); ++i)
      expect(grad_input_[i], "backward_input", i, grad[i], eps * (p_.OC + p_.groups) * grad_sizes[i]);
  }

  // PyTorch's rules: the first maximum of the window, a NaN above all.
  void compare_pooled() {
    for (int64_t i = 0; i < c_.pooled_size(); ++i) {
      const int64_t pixel = i / p_.OC, n = pixel / (p_.PH * p_.PW), ph = pixel / p_.PW % p_.PH,
                    pw = pixel % p_.PW;
      float best = -INFINITY;
      int place = 0;
      for (int k = 0; k < p_.pool_h * p_.pool_w; ++k) {
        const int oh = int(ph) * p_.pool_h + k / p_.pool_w, ow = int(pw) * p_.pool_w + k % p_.pool_w;
        const float value = linear_y_[c_.y_at(int(n), oh, ow, int(i % p_.OC))];
        if (value > best || std::isnan(value)) best = value, place = k;
      }
      if (p_.relu && best <= 0) best = 0, place = 255;
      expect(pooled_[i], "pool_forward", i, best, 0);
      if (c_.argmax) expect(argmax_[i], "argmax", i, place, 0);
    }
  }

  void expect(double got, const char* what, int64_t at, double wanted, double bound) {
    if (std::isnan(got) ? std::isnan(wanted) : std::fabs(got - wanted) <= bound) return;
    if (failures_++ == 0)
      std::printf("seed %u: %s[%lld] is %.9g, not %.9g +- %.2g: %s\n", seed_, what,
                  static_cast<long long>(at), got, wanted, bound, c_.text().c_str());
  }

  template <typename T>
  static void mix(uint64_t& hash, T value) {
    unsigned char bytes[sizeof(T)] = {};
    if (value == value)
      std::memcpy(bytes, &value, sizeof(T));  // of NaN the sign and payload are nobody's promise
    for (unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211u;
  }

  unsigned seed_;
  Random random_;
  Case c_;
  const Conv2dPoolParams& p_;
  std::vector<float> x_ = random_.reals(c_.x_size()), grad_output_ = random_.reals(c_.y_size());
  std::vector<float> weight_ = random_.reals(int64_t{p_.OC} * (p_.IC / p_.groups) * p_.KH * p_.KW);
  std::vector<float> weight_t_ = weight_, bias_ = random_.reals(p_.OC);
  Guarded<float> y_{c_.y_size()}, linear_y_{c_.y_size()}, grad_input_{c_.x_size()}, pooled_{c_.pooled_size()};
  Guarded<uint8_t> argmax_{c_.pooled_size()};
  int failures_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const unsigned cases = argc > 1 ? std::atoi(argv[1]) : 300, first = argc > 2 ? std::atoi(argv[2]) : 1;
  uint64_t hash = 14695981039346656037u;
  int failed = 0;
  for (unsigned seed = first; seed < first + cases; ++seed) failed += Test(seed).run(hash) > 0;
  std::printf("%u cases, %d failed, bits %016llx\n", cases, failed, static_cast<unsigned long long>(hash));
  return failed > 0;
}
