// Holds the gradients of programs (gradients.ts) to finite differences of what they differentiate, in
// float64:
//
//   build/test/gradient_test_float64 build/test/gradients/*
//
// The last line has the number of derivatives, of programs, and of failures.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../native/kernels/kernels.h"
#include "../../native/runtime/program.h"
#include "files.h"

namespace twill {
namespace float64 {

// Kernels that look at the bits of floats: the test's networks have none of them.
void activation_forward(const Work&, int64_t, int64_t) { std::abort(); }
void activation_backward(const Work&, int64_t, int64_t) { std::abort(); }
void dropout(const Work&, int64_t, int64_t) { std::abort(); }
void softmax_forward(const Work&, int64_t, int64_t) { std::abort(); }
void softmax_backward(const Work&, int64_t, int64_t) { std::abort(); }
void value_loss_forward(const Work&, int64_t, int64_t) { std::abort(); }

}  // namespace float64
}  // namespace twill

namespace {

using namespace twill;

// Values in a program's memory; none where it has no such values.
struct Place {
  int32_t block, byte_offset, count;
};

// The head of a file; the number of blocks, their sizes in units of 64 bytes and the words follow.
struct Head {
  int32_t batch, classes;
  Place images, parameters, gradients;
  Place labels, losses;                    // of a program that ends in a loss
  Place output, grad_output, grad_images;  // of one that does not
};

constexpr int kMostDerivatives = 32;  // of one kind and program

class Program {
 public:
  explicit Program(const std::vector<int32_t>& file) {
    std::memcpy(&head_, file.data(), sizeof head_);
    const int32_t* next = file.data() + sizeof head_ / sizeof(int32_t);
    const int32_t count = *next++;
    for (int32_t i = 0; i < count; ++i) add_block(int64_t{*next++} * 64);
    words_.assign(next, file.data() + file.size());
    auto* buffers = reinterpret_cast<ProgramBuffer*>(words_.data() + kHeaderWords);
    const auto& header = *reinterpret_cast<const ProgramHeader*>(words_.data());
    for (int32_t i = 0; i < header.buffers; ++i) widen(buffers[i], header.capacity);
    draw(head_.images, 1.0);
    draw(head_.parameters, 0.4);
    draw(head_.grad_output, 1.0);
    auto* labels = reinterpret_cast<int32_t*>(values(head_.labels));
    for (int32_t i = 0; i < head_.labels.count; ++i) labels[i] = std::rand() % head_.classes;
  }

  // What is differentiated: the sum of the losses, or the output's product with the gradient that goes in.
  double result() {
    program_run(float64::kernel_table, words_.data(), blocks_.data(), head_.batch, 1);
    const double* factors = head_.grad_output.count ? values(head_.grad_output) : nullptr;
    const Place& terms = factors ? head_.output : head_.losses;
    double sum = 0;
    for (int32_t i = 0; i < terms.count; ++i) sum += values(terms)[i] * (factors ? factors[i] : 1.0);
    return sum;
  }

  // Compares; returns the number of derivatives that differ.
  int check(const char* path, int64_t& derivatives) {
    return differing(path, "parameter", head_.parameters, head_.gradients, derivatives) +
           differing(path, "pixel", head_.images, head_.grad_images, derivatives);
  }

 private:
  // A double takes the room of two floats, and whatever else there is has it, too.
  void add_block(int64_t bytes) {
    storage_.emplace_back(bytes / 4);
    auto* data = reinterpret_cast<unsigned char*>(storage_.back().data());
    blocks_.push_back({data, 2 * bytes});
  }

  void widen(ProgramBuffer& buffer, int32_t capacity) {
    buffer.offset *= 2;
    buffer.length *= 2;
    buffer.stride *= 2;
    if (static_cast<BufferKind>(buffer.kind) != BufferKind::thread) return;
    // One for all images: a tile's is found by the bytes of an image, which of indices stay what they were.
    add_block(int64_t{buffer.image_bytes} * capacity);
    buffer = {static_cast<int32_t>(blocks_.size() - 1), 0, 0, static_cast<int32_t>(BufferKind::shared), 0, 0};
  }

  double* values(const Place& place) {
    return place.count ? storage_[place.block].data() + place.byte_offset / 4 : nullptr;
  }

  void draw(const Place& place, double range) {
    for (int32_t i = 0; i < place.count; ++i) values(place)[i] = range * (2.0 * std::rand() / RAND_MAX - 1.0);
  }

  int differing(const char* path, const char* what, const Place& at, const Place& gradients,
                int64_t& derivatives) {
    if (!gradients.count) return 0;
    result();
    const std::vector<double> expected(values(gradients), values(gradients) + gradients.count);
    int failures = 0;
    for (int32_t i = 0; i < std::min(kMostDerivatives, at.count); ++i) {
      const int32_t index = at.count <= kMostDerivatives ? i : std::rand() % at.count;
      const double error = distance(values(at)[index], expected[index]);
      ++derivatives;
      if (error <= 1e-6) continue;
      std::fprintf(stderr, "%s: the gradient of %s %d is %.12g, off by %.3g\n", path, what, index,
                   expected[index], error);
      ++failures;
    }
    return failures;
  }

  // How far a derivative lies from a difference of fourth order, in units of its own size or 1. Across a kink
  // of ReLU or max-pool there is none: a smaller step passes by it.
  double distance(double& value, double expected) {
    const double before = value;
    double least = INFINITY;
    for (const double step : {1e-3, 1e-4, 1e-5, 1e-6}) {
      const auto at = [&](double steps) {
        value = before + steps * step;
        return result();
      };
      const double difference = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
      value = before;
      least = std::min(least, std::fabs(difference - expected) / std::max(1.0, std::fabs(expected)));
      if (least <= 1e-8) break;
    }
    return least;
  }

  Head head_;
  std::vector<std::vector<double>> storage_;
  std::vector<Block> blocks_;
  std::vector<int32_t> words_;
};

}  // namespace

int main(int argc, char** argv) {
  int failed = 0;
  int64_t derivatives = 0;
  for (int i = 1; i < argc; ++i) failed += Program(words_of_file(argv[i])).check(argv[i], derivatives) > 0;
  std::printf("%lld derivatives of %d programs, %d failed\n", static_cast<long long>(derivatives), argc - 1,
              failed);
  return failed > 0;
}
