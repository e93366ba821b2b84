// Dropout: values times 0 or 1 / (1 - p). Which are kept follows from words that the host draws for each
// run, the layer, the image and the value's place in it: backward draws the same again, so that no mask
// takes memory, and neither threads nor slices matter. Twelve operations a vector, about what moving its
// values takes.
#include "../simd/words.h"
#include "elementwise.h"
#include "kernel.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// A bijection of 32 bits after which every bit depends on every other (constants of Wellons' lowbias32,
// public domain); `key` makes another one of it.
template <typename Word>
TWILL_INLINE Word mixed(Word word, uint32_t key) {
  word = (word ^ (word >> 16)) * 0x7FEB352Du;
  word = word ^ key;
  word = (word ^ (word >> 15)) * 0x846CA68Bu;
  return word ^ (word >> 16);
}

TWILL_INLINE Words lane_numbers() {
  Words numbers{};
  for (int lane = 0; lane < kWidth; ++lane) numbers[lane] = static_cast<uint32_t>(lane);
  return numbers;
}

}  // namespace

void dropout(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<DropoutParams>(work);
  const uint32_t* random = operand<const uint32_t>(work, 1);
  const uint32_t threshold = static_cast<uint32_t>(p.threshold);
  const uint32_t stream = static_cast<uint32_t>(p.stream) * 0x9E3779B9u;
  const Words scale = Words{} + static_cast<uint32_t>(p.scale);
  const Words numbers = lane_numbers();
  const int64_t size = int64_t{p.positions} * p.C;
  for (int64_t n = begin; n < end; ++n) {
    // Two keys, so that images do not have shifted stretches of one sequence.
    const uint32_t image = static_cast<uint32_t>(n);
    const uint32_t start = mixed(mixed(image + random[0], 0) + stream, random[1]);
    const uint32_t key = mixed(mixed(image + random[2], 0) + stream, random[3]);
    for (int64_t at = n * size; at < (n + 1) * size; at += p.C) {
      const float* x = operand<const float>(work, 0) + at;
      float* y = operand<float>(work, 2) + at;
      each_lanes(0, p.C, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
        const Words drawn = mixed(numbers + (start + static_cast<uint32_t>(i)), key);
        const Words kept = reinterpret_cast<Words>(drawn >= threshold);
        store_lanes(y + i, mul(load_lanes(x + i, lanes), floats_of(kept & scale)), lanes);
      });
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
