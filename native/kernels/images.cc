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

// body(i, lanes) is a vector of the images' values: one channel lies the same way inside and outside.
template <typename Body>
TWILL_INLINE void import_plane(float* values, int64_t begin, int64_t end, const Body& body) {
  each_lanes(begin, end, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    store_lanes(values + i, body(i, lanes), lanes);
  });
}

// [C][pixels] -> [pixels][C], value(v) of each.
template <typename From, typename Value>
void planes_to_pixels(const From* planes, float* pixels, int64_t C, int64_t count, const Value& value) {
  for (int64_t c = 0; c < C; ++c) {
    for (int64_t i = 0; i < count; ++i) pixels[i * C + c] = value(planes[c * count + i]);
  }
}

}  // namespace

void import_images(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<ImageParams>(work);
  const int64_t count = int64_t{p.H} * p.W;
  const int64_t size = p.C * count;
  const auto* bytes = operand<const uint8_t>(work, 0);
  const auto* floats = operand<const float>(work, 0);
  float* values = operand<float>(work, 1);
  if (p.C == 1 && p.u8) {
    const Vec range = broadcast(kByteRange);
    return import_plane(values, begin * size, end * size, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
      return div(lanes == kWidth ? load_u8(bytes + i) : load_u8_partial(bytes + i, lanes), range);
    });
  }
  if (p.C == 1 && p.flush) {
    return import_plane(values, begin * size, end * size, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
      return without_denormals(load_lanes(floats + i, lanes));
    });
  }
  for (int64_t at = begin * size; at < end * size; at += size) {
    if (p.u8) {
      planes_to_pixels(bytes + at, values + at, p.C, count,
                       [](uint8_t byte) { return static_cast<float>(byte) / kByteRange; });
    } else if (p.flush) {
      planes_to_pixels(floats + at, values + at, p.C, count,
                       [](float v) { return v > -kSmallestNormal && v < kSmallestNormal ? 0.0f : v; });
    } else {
      planes_to_pixels(floats + at, values + at, p.C, count, [](float v) { return v; });
    }
  }
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
