// Images on their way in and out: NCHW outside, NHWC inside.
#include "elementwise.h"
#include "kernel.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// Divided, not multiplied by 1/255, so that a byte becomes the float nearest to its quotient.
constexpr float kByteRange = 255.0f;

// [C][pixels] -> [pixels][C]
template <typename Value>
void planes_to_pixels(const Value* planes, float* pixels, int64_t C, int64_t count, float divisor) {
  for (int64_t c = 0; c < C; ++c) {
    for (int64_t i = 0; i < count; ++i)
      pixels[i * C + c] = static_cast<float>(planes[c * count + i]) / divisor;
  }
}

}  // namespace

void import_images(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ImageParams>(work);
  const int64_t count = int64_t{p.H} * p.W;
  const int64_t size = p.C * count;
  float* values = operand<float>(work, 1);
  if (p.u8) {
    const uint8_t* source = operand<const uint8_t>(work, 0);
    if (p.C == 1) {
      const Vec range = broadcast(kByteRange);
      each_vector(begin * size, end * size, [&](int64_t i, int lanes) {
        const Vec bytes = lanes == kWidth ? load_u8(source + i) : load_u8_partial(source + i, lanes);
        store_lanes(values + i, div(bytes, range), lanes);
      });
      return;
    }
    for (int64_t n = begin; n < end; ++n) {
      planes_to_pixels(source + n * size, values + n * size, p.C, count, kByteRange);
    }
    return;
  }
  const float* source = operand<const float>(work, 0);
  for (int64_t n = begin; n < end; ++n)
    planes_to_pixels(source + n * size, values + n * size, p.C, count, 1.0f);
}

void export_images(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ImageParams>(work);
  const int64_t count = int64_t{p.H} * p.W;
  const int64_t size = p.C * count;
  for (int64_t n = begin; n < end; ++n) {
    const float* pixels = operand<const float>(work, 0) + n * size;
    float* planes = operand<float>(work, 1) + n * size;
    for (int64_t c = 0; c < p.C; ++c) {
      for (int64_t i = 0; i < count; ++i) planes[c * count + i] = pixels[i * p.C + c];
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
