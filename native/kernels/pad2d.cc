// Padding of images with a constant, their mirror image or their outermost pixels, and cropping. What of a
// row comes from the image lies side by side in both, so that it is copied whole; the rest goes pixel by
// pixel.
#include "elementwise.h"
#include "kernel.h"
#include "params_spatial.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

enum Mode : int32_t { kConstant = 0, kReflect = 1, kReplicate = 2 };

// One axis: input pixel i is output pixel i + before.
struct PadAxis {
  int64_t input, output, before;
  int32_t mode;

  // Outputs that are pixels of the image: [begin, end).
  int64_t begin() const { return before < 0 ? 0 : before < output ? before : output; }
  int64_t end() const {
    const int64_t last = input + before;
    return last < begin() ? begin() : last < output ? last : output;
  }
  // The input pixel that an output shows; -1 where it is a constant.
  int64_t source(int64_t o) const {
    const int64_t i = o - before;
    if (i >= 0 && i < input) return i;
    if (mode == kConstant) return -1;
    if (mode == kReplicate) return i < 0 ? 0 : input - 1;
    return i < 0 ? -i : 2 * (input - 1) - i;
  }
};

struct Pad {
  PadAxis rows, columns;
  int64_t C;

  explicit Pad(const Pad2dParams& p)
      : rows{p.IH, p.OH, p.top, p.mode}, columns{p.IW, p.OW, p.left, p.mode}, C(p.C) {}

  // body(o) for the outputs of a row that are not the image's pixels.
  template <typename Body>
  TWILL_INLINE void each_beside(const Body& body) const {
    for (int64_t o = 0; o < columns.begin(); ++o) body(o);
    for (int64_t o = columns.end(); o < columns.output; ++o) body(o);
  }
};

// In one copy each: they are called for whole rows, or for pixels at the edge.
__attribute__((noinline)) void copy(float* target, const float* source, int64_t count) {
  copy_floats(target, source, count);
}

__attribute__((noinline)) void accumulate(float* target, const float* source, int64_t count) {
  each_vector(0, count, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    store_lanes(target + i, add(load_lanes(target + i, lanes), load_lanes(source + i, lanes)), lanes);
  });
}

__attribute__((noinline)) void fill(float* target, float value, int64_t count) {
  const Vec all = broadcast(value);
  each_vector(0, count,
              [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA { store_lanes(target + i, all, lanes); });
}

// A row of the output from the row of the input that it shows.
void pad_row(const Pad& pad, const float* x, float* y, float value) {
  const PadAxis& axis = pad.columns;
  const int64_t C = pad.C;
  copy(y + axis.begin() * C, x + (axis.begin() - axis.before) * C, (axis.end() - axis.begin()) * C);
  if (axis.mode == kConstant) {
    fill(y, value, axis.begin() * C);
    fill(y + axis.end() * C, value, (axis.output - axis.end()) * C);
  } else {
    pad.each_beside([&](int64_t o) { copy(y + o * C, x + axis.source(o) * C, C); });
  }
}

// The gradient of a row of the input from that of the row of the output that is it.
void crop_row(const Pad& pad, const float* grad_output, float* grad_input) {
  const PadAxis& axis = pad.columns;
  const int64_t C = pad.C;
  const int64_t first = axis.begin() - axis.before;
  const int64_t last = axis.end() - axis.before;
  fill(grad_input, 0.0f, first * C);
  copy(grad_input + first * C, grad_output + axis.begin() * C, (last - first) * C);
  fill(grad_input + last * C, 0.0f, (axis.input - last) * C);
}

// Adds the gradient of the pixels that show others.
void add_shown(const Pad& pad, const float* grad_output, float* grad_input) {
  const PadAxis& columns = pad.columns;
  const int64_t C = pad.C;
  const int64_t inside = columns.begin();
  for (int64_t oh = 0; oh < pad.rows.output; ++oh) {
    const float* from = grad_output + oh * columns.output * C;
    float* to = grad_input + pad.rows.source(oh) * columns.input * C;
    if (oh < pad.rows.begin() || oh >= pad.rows.end()) {
      accumulate(to + (inside - columns.before) * C, from + inside * C, (columns.end() - inside) * C);
    }
    pad.each_beside([&](int64_t ow) { accumulate(to + columns.source(ow) * C, from + ow * C, C); });
  }
}

}  // namespace

void pad2d_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<Pad2dParams>(work);
  const Pad pad(p);
  const float value = float_of(p.value);
  const int64_t row = int64_t{p.OW} * p.C;
  for (int64_t n = begin; n < end; ++n) {
    const float* x = operand<const float>(work, 0) + n * p.IH * p.IW * p.C;
    float* y = operand<float>(work, 1) + n * p.OH * row;
    for (int64_t oh = 0; oh < p.OH; ++oh) {
      const int64_t ih = pad.rows.source(oh);
      if (ih < 0) {
        fill(y + oh * row, value, row);
      } else {
        pad_row(pad, x + ih * p.IW * p.C, y + oh * row, value);
      }
    }
  }
}

void pad2d_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<Pad2dParams>(work);
  const Pad pad(p);
  const int64_t row = int64_t{p.IW} * p.C;
  for (int64_t n = begin; n < end; ++n) {
    const float* grad_output = operand<const float>(work, 0) + n * p.OH * p.OW * p.C;
    float* grad_input = operand<float>(work, 1) + n * p.IH * row;
    for (int64_t ih = 0; ih < p.IH; ++ih) {
      const int64_t oh = ih + p.top;
      if (oh < 0 || oh >= p.OH) {
        fill(grad_input + ih * row, 0.0f, row);
      } else {
        crop_row(pad, grad_output + oh * p.OW * p.C, grad_input + ih * row);
      }
    }
    if (p.mode != kConstant) add_shown(pad, grad_output, grad_input);
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
