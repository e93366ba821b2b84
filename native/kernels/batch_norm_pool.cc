// Batch normalisation, ReLU and a max-pool of windows that do not overlap, in one: the normalised activation
// never reaches memory, nor does its gradient.
#include "batch_norm.h"

#include "kernel.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int kCut = 255;

TWILL_INLINE Vec load_places(const uint8_t* p, int lanes) {
  return lanes == kWidth ? load_u8(p) : load_u8_partial(p, lanes);
}

TWILL_INLINE void store_places(uint8_t* p, Index places, int lanes) {
  if (lanes == kWidth) {
    store_u8(p, places);
  } else {
    store_u8_partial(p, places, lanes);
  }
}

}  // namespace

// `selected` is the x of each window's largest value, of which the gradients of weight and bias are made.
void batch_norm_pool_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormPoolParams>(work);
  const Affine affine(work, 1, p.C);
  const int64_t row = int64_t{p.W} * p.C, pooled_row = int64_t{p.PW} * p.C;
  const float* x = operand<const float>(work, 0);
  float* y = operand<float>(work, 4);
  uint8_t* argmax = operand<uint8_t>(work, 5);
  float* selected = operand<float>(work, 6);
  for (int64_t at = begin * p.PH; at < end * p.PH; ++at) {
    const float* rows = x + (at / p.PH * p.H + at % p.PH * p.pool_h) * row;
    each_vector(0, p.C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const ChannelAffine channel = affine.at(c, lanes);
      for (int64_t pw = 0; pw < p.PW; ++pw) {
        const float* window = rows + pw * p.pool_w * p.C + c;
        Vec from = load_lanes(window, lanes);
        Vec best = channel.apply(from);
        Index place = index_broadcast(0);
        for (int ky = 0, k = 0; ky < p.pool_h; ++ky) {
          for (int kx = 0; kx < p.pool_w; ++kx, ++k) {
            if (k == 0) continue;
            const Vec value = load_lanes(window + ky * row + int64_t{kx} * p.C, lanes);
            const Vec normal = channel.apply(value);
            const Mask wins = beats(normal, best);
            best = select(wins, normal, best);
            from = select(wins, value, from);
            place = select(wins, index_broadcast(k), place);
          }
        }
        const int64_t out = at * pooled_row + pw * p.C + c;
        if (p.relu) {
          place = select(ge(zero(), best), index_broadcast(kCut), place);
          best = relu(best);
        }
        store_lanes(y + out, best, lanes);
        if (argmax) store_places(argmax + out, place, lanes);
        if (selected) store_lanes(selected + out, from, lanes);
      }
    });
  }
}

void batch_norm_pool_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<BatchNormPoolParams>(work);
  const int64_t row = int64_t{p.W} * p.C, pooled_row = int64_t{p.PW} * p.C;
  const float* x = operand<const float>(work, 0);
  const float* grad_output = operand<const float>(work, 1);
  const uint8_t* argmax = operand<const uint8_t>(work, 2);
  const Statistics statistics{operand<float>(work, 3), p.C};
  const Terms terms{operand<float>(work, 4), p.C};
  float* grad_input = operand<float>(work, 5);
  for (int64_t at = begin * p.H; at < end * p.H; ++at) {
    const int64_t n = at / p.H, h = at % p.H, ph = h / p.pool_h;
    const int first_place = static_cast<int>(h % p.pool_h) * p.pool_w;
    const float* x_row = x + at * row;
    float* grad_row = grad_input + at * row;
    const int64_t windows = ph < p.PH ? p.PW : 0;
    each_vector(0, p.C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const Vec mean = load_lanes(statistics.mean() + c, lanes);
      const ChannelTerms own = terms.at(c, lanes);
      const auto spread = [&](int64_t w) TWILL_INLINE_LAMBDA {
        return own.spread(sub(load_lanes(x_row + w * p.C + c, lanes), mean));
      };
      int64_t w = 0;
      for (int64_t pw = 0; pw < windows; ++pw) {
        const int64_t pooled = (n * p.PH + ph) * pooled_row + pw * p.C + c;
        const Vec scaled = mul(own.scale, load_lanes(grad_output + pooled, lanes));
        const Vec place = load_places(argmax + pooled, lanes);
        for (int kx = 0; kx < p.pool_w; ++kx, ++w) {
          const Mask here = eq(place, broadcast(static_cast<float>(first_place + kx)));
          const Vec rest = spread(w);
          store_lanes(grad_row + w * p.C + c, select(here, add(scaled, rest), rest), lanes);
        }
      }
      for (; w < p.W; ++w) store_lanes(grad_row + w * p.C + c, spread(w), lanes);
    });
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
