// The input's gradient through ReLU and max-pool: each survivor (one position a window and channel at most)
// adds its gradient times its weights to the pixels under it.
//
// Scattered one by one, survivors would load and store every sum for each multiply-add. So they are taken
// position by position, of all output channels whose weights fit in the cache together: the sums of the
// pixels under a position stay in registers while its survivors pass, a quarter of the channels for a 2x2
// window, and for most shapes slide on to the next position (conv2d_gradient_slide.h; else
// conv2d_gradient_rows.h). The order of every sum is blocks of output channels, positions by row and column,
// channels: a matter of shapes alone.
#include "../simd/simd.h"
#include "conv2d_gradient_patch.h"
#include "conv2d_gradient_rows.h"
#include "conv2d_gradient_slide.h"
#include "elementwise.h"
#include "kernel.h"
#include "params.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// 25 KB of weights at a time leave the rest of an L1 of 32 KB to the rows of pixels at hand: 16 channels of
// 5x5x16.
constexpr int kWeightFloats = 6400;
constexpr int kSlack = 16;  // whole vectors are read or written, up to the widest one past the last float
constexpr int kMaxOutputs = 64;  // output channels of a block: bits of a mask
constexpr int kMaxWindows = 16;  // windows of a row that are taken together,
constexpr int kMaxPlaces = 256;  // of all of these; one has 254 at most

// A block of weights: `outputs` output channels of a group by `channels` input channels.
struct Blocking {
  int outputs, channels;
};

bool slides(const Conv2dPoolParams& p, int channels) {
  return p.stride_w == 1 && p.dilation_w == 1 && channels == kSlideChannels && can_slide(p.KW);
}

// What a survivor costs, in sixteenths of a vector of 16: its multiply-adds, 5 for its loop, and a share of
// what its position costs (outputs / places survivors have one in common): 20 for finding them, and loading
// and storing the sums at 3 each, of one tap in KW where they slide. All of it for each block of input
// channels.
int64_t blocking_cost(const Conv2dPoolParams& p, const Blocking& b) {
  const int ICG = p.IC / p.groups;
  const bool rows = p.dilation_w == 1 && (b.channels == p.IC || b.channels % 16 == 0);
  const int vectors = rows ? (p.KW * b.channels + 15) / 16 : (b.channels + 15) / 16 * p.KW;
  const int64_t sums = int64_t{p.KH} * vectors;
  const int64_t moved = slides(p, b.channels) ? sums / p.KW : sums;
  const int64_t position = 16 * p.pool_h * p.pool_w * (moved * 3 + 20) / b.outputs;
  return (ICG + b.channels - 1) / b.channels * (sums * 16 + 80 + position);
}

bool block_weights(const Conv2dPoolParams& p, int channels, Blocking* b) {
  const int64_t floats = int64_t{p.KH} * p.KW * channels;
  if (floats > kWeightFloats) return false;
  const int OCG = p.OC / p.groups;
  const int fit = kWeightFloats / static_cast<int>(floats);
  const int most = fit < kMaxOutputs ? fit : kMaxOutputs;
  const int blocks = (OCG + most - 1) / most;
  *b = {(OCG + blocks - 1) / blocks, channels};
  return true;
}

// The cheapest block: all of a group's input channels or a multiple of 16, less only where no more fit.
bool choose_blocking(const Conv2dPoolParams& p, Blocking* best) {
  const int ICG = p.IC / p.groups;
  bool found = block_weights(p, ICG, best);
  for (int channels = 16; channels < ICG && channels <= 64; channels += 16) {
    Blocking b{};
    if (!block_weights(p, channels, &b) || (found && blocking_cost(p, *best) <= blocking_cost(p, b)))
      continue;
    *best = b;
    found = true;
  }
  for (int channels = 8; !found && channels > 0; channels /= 2) {
    found = channels < ICG && block_weights(p, channels, best);
  }
  return found;
}

// The taps that meet the image when the first lies at `at`: those at [begin, end) of its `size` pixels.
struct Taps {
  int begin, end;

  TWILL_INLINE Taps(int at, int size, int taps, int dilation) : begin(0), end(taps) {
    if (at < 0) begin = dilation == 1 ? -at : (-at + dilation - 1) / dilation;
    const int room = size - at;  // taps below room / dilation, rounded up, lie before the image's end
    if (room <= (taps - 1) * dilation)
      end = room <= 0 ? 0 : dilation == 1 ? room : (room + dilation - 1) / dilation;
    if (end < begin) end = begin;
  }
};

// masks[place]: the channels of a window with a gradient there, one bit each.
TWILL_INLINE void find_survivors(const float* gradient, const uint8_t* argmax, int channels, int places,
                                 uint64_t* masks) {
  for (int i = 0; i < places; ++i) masks[i] = 0;
  for (int channel = 0; channel < channels; channel += kWidth) {
    const int lanes = channels - channel < kWidth ? channels - channel : kWidth;
    const Vec place = lanes == kWidth ? load_u8(argmax + channel) : load_u8_partial(argmax + channel, lanes);
    const uint64_t zeros = bits(eq(load_lanes(gradient + channel, lanes), zero()));
    for (int i = 0; i < places; ++i) {
      masks[i] |= (bits(eq(place, broadcast(static_cast<float>(i)))) & ~zeros) << channel;
    }
  }
}

// The survivors of a mask, channel i's weights being at i * stride. Returns their number; those of up to 16
// channels are written at a time.
TWILL_INLINE int64_t list_survivors(const float* gradient, uint64_t mask, int stride, Survivor* survivors) {
  int64_t count = 0;
#if defined(__AVX512F__)
  const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
  __m512i channel = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  for (; mask; mask >>= 16, gradient += 16, channel = _mm512_add_epi32(channel, _mm512_set1_epi32(16))) {
    const __mmask16 lanes = static_cast<__mmask16>(mask);
    const __m512i bits = _mm512_maskz_compress_epi32(lanes, _mm512_maskz_loadu_epi32(lanes, gradient));
    const __m512i offset =
        _mm512_mullo_epi32(_mm512_maskz_compress_epi32(lanes, channel), _mm512_set1_epi32(stride));
    _mm512_storeu_si512(survivors + count, _mm512_permutex2var_epi32(bits, low, offset));
    _mm512_storeu_si512(survivors + count + 8, _mm512_permutex2var_epi32(bits, high, offset));
    count += __builtin_popcount(lanes);
  }
#else
  for (; mask; mask &= mask - 1) {
    const int i = __builtin_ctzll(mask);
    survivors[count++] = {gradient[i], i * stride};
  }
#endif
  return count;
}

// One block of weights, copied so that its rows follow one another whatever lies between them in memory.
class Pass {
 public:
  Pass(const Conv2dPoolParams& p, const Blocking& b, int group, int oc, int ic, const float* weight_t)
      : p_(p), oc_(group * (p.OC / p.groups) + oc), ic_(group * (p.IC / p.groups) + ic) {
    const int OCG = p.OC / p.groups;
    const int ICG = p.IC / p.groups;
    outputs_ = OCG - oc < b.outputs ? OCG - oc : b.outputs;
    channels_ = ICG - ic < b.channels ? ICG - ic : b.channels;
    const int taps = p.KH * p.KW;
    const float* source = weight_t + int64_t{oc_} * taps * ICG + ic;
    for (int i = 0; i < outputs_ * taps; ++i)
      copy_floats(weights_ + i * channels_, source + int64_t{i} * ICG, channels_);
    zero_floats(weights_ + outputs_ * taps * channels_, kSlack);

    slides_ = slides(p, channels_);
    const bool scattered =
        channels_ != p.IC;  // in grad_input, a pixel's channels are not followed by the next one's
    whole_rows_ = p.dilation_w == 1 && (!scattered || channels_ % kWidth == 0);
    layout_ = {int64_t{p.dilation_h} * p.IW * p.IC, int64_t{p.KW} * channels_, nullptr};
    if (!scattered || !whole_rows_) return;
    layout_.places = places_;
    for (int i = 0, n = p.KW * channels_ / kWidth; i < n; ++i) {
      places_[i] = i * kWidth / channels_ * p.IC + i * kWidth % channels_;
    }
  }

  void add_image(const float* gradient, const uint8_t* argmax, float* grad_input) const {
    const int fit = kMaxPlaces / (p_.pool_h * p_.pool_w);
    const int most = fit < kMaxWindows ? fit : kMaxWindows;
    for (int ph = 0; ph < p_.PH; ++ph) {
      for (int pw = 0; pw < p_.PW; pw += most) {
        const int windows = p_.PW - pw < most ? p_.PW - pw : most;
        const int64_t at = (int64_t{ph} * p_.PW + pw) * p_.OC + oc_;
        add_windows(ph, pw, windows, gradient + at, argmax + at, grad_input);
      }
    }
  }

 private:
  void add_windows(int ph, int pw, int windows, const float* gradient, const uint8_t* argmax,
                   float* grad_input) const {
    uint64_t masks[kMaxPlaces];
    const int places = p_.pool_h * p_.pool_w;
    for (int i = 0; i < windows; ++i) {
      const int64_t at = int64_t{i} * p_.OC;
      if (places == 4) {
        find_survivors(gradient + at, argmax + at, outputs_, 4, masks + 4 * i);
      } else {
        find_survivors(gradient + at, argmax + at, outputs_, places, masks + places * i);
      }
    }
    for (int row = 0; row < p_.pool_h; ++row) {
      add_row(ph * p_.pool_h + row, pw, windows, gradient, masks + row * p_.pool_w, grad_input);
    }
  }

  // Row `oh` of the positions of `windows` windows from column `pw` on.
  void add_row(int oh, int pw, int windows, const float* gradient, const uint64_t* masks,
               float* grad_input) const {
    const int top = oh * p_.stride_h - p_.pad_h;
    const Taps down(top, p_.IH, p_.KH, p_.dilation_h);
    const int rows = down.end - down.begin;
    if (rows == 0) return;
    Survivor survivors[kMaxWindows * kMaxOutputs + kSlack];
    int32_t ends[kMaxPlaces];
    const int stride = p_.KH * p_.KW * channels_;
    int64_t count = 0;
    int position = 0;
    for (int i = 0; i < windows; ++i, gradient += p_.OC, masks += p_.pool_h * p_.pool_w) {
      for (int col = 0; col < p_.pool_w; ++col) {
        count += list_survivors(gradient, masks[col], stride, survivors + count);
        ends[position++] = static_cast<int32_t>(count);
      }
    }
    const int left = pw * p_.pool_w * p_.stride_w - p_.pad_w;
    float* target = grad_input + (int64_t{top + down.begin * p_.dilation_h} * p_.IW + left) * p_.IC + ic_;
    const float* source = weights_ + down.begin * p_.KW * channels_;
    const Slide slide{target, p_.IC, left < 0 ? -left : 0, p_.IW - left, position, survivors, ends};
    if (slides_) {
      slide_rows(layout_, rows, p_.KW, slide, source);
    } else {
      add_positions(left, rows, slide, source);
    }
  }

  // The same for shapes that do not slide.
  void add_positions(int left, int rows, const Slide& slide, const float* source) const {
    int32_t begin = 0;
    for (int i = 0; i < slide.positions; ++i, left += p_.stride_w) {
      const Survivor* survivors = slide.survivors + begin;
      const int64_t count = slide.ends[i] - begin;
      begin = slide.ends[i];
      if (count == 0) continue;
      const Taps across(left, p_.IW, p_.KW, p_.dilation_w);
      if (across.begin == across.end) continue;
      const int taps = across.end - across.begin;
      float* target = slide.target + (i * p_.stride_w + across.begin * p_.dilation_w) * slide.target_col;
      const float* first = source + across.begin * channels_;
      if (whole_rows_) {
        accumulate_rows(layout_, rows, taps * channels_, target, first, survivors, count);
        continue;
      }
      for (int tap = 0; tap < taps; ++tap) {
        accumulate_rows(layout_, rows, channels_, target + tap * p_.dilation_w * slide.target_col,
                        first + tap * channels_, survivors, count);
      }
    }
  }

  const Conv2dPoolParams& p_;
  const int oc_, ic_;
  int outputs_, channels_;
  bool slides_;
  bool whole_rows_;  // a row of taps at a time; else a tap
  RowLayout layout_;
  alignas(64) float weights_[kWeightFloats + kSlack];
  int32_t places_[kWeightFloats / kWidth];
};

// For kernels too large for a block of even one input channel: each survivor's taps where they lie.
void add_unpacked(const Conv2dPoolParams& p, const float* grad_output, const uint8_t* argmax,
                  const float* weight_t, float* grad_input) {
  const int ICG = p.IC / p.groups;
  for (int64_t i = 0, n = int64_t{p.PH} * p.PW * p.OC; i < n; ++i) {
    const int place = argmax[i];
    if (place >= p.pool_h * p.pool_w || grad_output[i] == 0.0f) continue;
    const int oc = static_cast<int>(i % p.OC);
    const int window = static_cast<int>(i / p.OC);
    const int top = (window / p.PW * p.pool_h + place / p.pool_w) * p.stride_h - p.pad_h;
    const int left = (window % p.PW * p.pool_w + place % p.pool_w) * p.stride_w - p.pad_w;
    const Taps down(top, p.IH, p.KH, p.dilation_h);
    const Taps across(left, p.IW, p.KW, p.dilation_w);
    for (int kh = down.begin; kh < down.end; ++kh) {
      for (int kw = across.begin; kw < across.end; ++kw) {
        const float* weight = weight_t + ((int64_t{oc} * p.KH + kh) * p.KW + kw) * ICG;
        const int ih = top + kh * p.dilation_h;
        const int iw = left + kw * p.dilation_w;
        float* pixel = grad_input + (int64_t{ih} * p.IW + iw) * p.IC + oc / (p.OC / p.groups) * ICG;
        for (int ic = 0; ic < ICG; ++ic) pixel[ic] = fma(grad_output[i], weight[ic], pixel[ic]);
      }
    }
  }
}

}  // namespace

void conv2d_pool_backward_input(const Work& work, int64_t begin, int64_t end) {
  const Conv2dPoolParams& p = params_of<Conv2dPoolParams>(work);
  const int64_t inputs = int64_t{p.IH} * p.IW * p.IC;
  const int64_t outputs = int64_t{p.PH} * p.PW * p.OC;
  const float* grad_output = operand<const float>(work, 0);
  const uint8_t* argmax = operand<const uint8_t>(work, 1);
  const float* weight_t = operand<const float>(work, 2);
  float* grad_input = operand<float>(work, 3);
  zero_floats(grad_input + begin * inputs, (end - begin) * inputs);

  Blocking blocking{};
  if (!choose_blocking(p, &blocking)) {
    for (int64_t n = begin; n < end; ++n) {
      add_unpacked(p, grad_output + n * outputs, argmax + n * outputs, weight_t, grad_input + n * inputs);
    }
    return;
  }
  for (int group = 0; group < p.groups; ++group) {
    for (int oc = 0; oc < p.OC / p.groups; oc += blocking.outputs) {
      for (int ic = 0; ic < p.IC / p.groups; ic += blocking.channels) {
        const Pass pass(p, blocking, group, oc, ic, weight_t);
        for (int64_t n = begin; n < end; ++n) {
          pass.add_image(grad_output + n * outputs, argmax + n * outputs, grad_input + n * inputs);
        }
      }
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
