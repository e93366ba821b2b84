// A window of 2x2 places has, for each tap, four inputs that an output channel's survivor may be over. They
// are laid out as tables of four floats, once for all channels; then a tap costs a table's broadcast, a
// shuffle within 128 bits by the channels' places and a multiply-add for a vector of channels, where dense
// arithmetic has four multiply-adds. With few input channels that beats walking the survivors, whose rows of
// taps would fill a third of a vector. Sapphire Rapids shuffles on one port of the two that multiply: a tap a
// cycle, twice as fast as dense; Zen 4 has ports to spare, three times as fast.
#include "conv2d_gradient_lookup.h"

#include <utility>

#include "../simd/lookup.h"
#include "../simd/simd.h"
#include "../simd/unroll.h"
#include "accumulators.h"
#include "conv2d_gradient_patch.h"
#include "elementwise.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

// 5.4 KB of input and 21 KB of tables, that is all of 28 x 28 pixels under 5x5 taps.
constexpr PatchLimits kLimits = {1344, 1 << 20};
constexpr int kTableFloats = 4 * kLimits.floats;
constexpr int kMaxTaps = 128;             // of all input channels
constexpr int kMaxSums = 4096;            // taps by output channels at a time
constexpr int kChannels = 16;             // output channels side by side in the sums
constexpr int kMaxBlock = kAccumulators;  // taps in registers

int taps_of(const Conv2dPoolParams& p) {
  const int64_t taps = int64_t{p.KH} * p.KW * (p.IC / p.groups);
  return taps <= kMaxTaps ? static_cast<int>(taps) : kMaxTaps + 1;
}

// A tile's tables: those of one row of pixels after another, one for each input channel of a pixel.
struct Tables {
  int rows, row_entries;

  Tables(const Conv2dPoolParams& p, const PatchTiling& t)
      : rows(t.rows - (p.pool_h - 1) * p.stride_h),
        row_entries((t.cols - (p.pool_w - 1) * p.stride_w) * t.channels) {}

  void fill(const Conv2dPoolParams& p, const PatchTiling& t, const float* patch, float* tables) const {
    const int pitch = t.cols * t.channels;
    int offsets[4] = {};
    for (int place = 0; place < p.pool_h * p.pool_w; ++place) {
      offsets[place] = place / p.pool_w * p.stride_h * pitch + place % p.pool_w * p.stride_w * t.channels;
    }
    for (int row = 0; row < rows; ++row, patch += pitch, tables += 4 * row_entries) {
      for (int i = 0; i < row_entries;
           i += kWidth) {  // what is written past the row's end, the next row overwrites
        interleave(tables + 4 * i, load(patch + offsets[0] + i), load(patch + offsets[1] + i),
                   load(patch + offsets[2] + i), load(patch + offsets[3] + i));
      }
    }
  }
};

// The windows of a tile and where their tables lie.
struct Windows {
  const float* tables;
  const float* gradient;  // of the first window, at the first lane
  const uint8_t* argmax;
  int height, width, lanes;
  int64_t gradient_row, gradient_col;
  int64_t table_row, table_col;
  float places;
};

// sums[tap][lane] += gradient * the input at the tap, for kTaps taps whose tables lie at `offsets` from a
// window's first.
template <int kTaps>
void add_taps(const Windows& w, const int32_t* offsets, float* sums) {
  Vec sum[kTaps];
  unroll<0, kTaps>([&](auto t) TWILL_INLINE_LAMBDA { sum[t.value] = load(sums + t.value * kChannels); });
  const Vec places = broadcast(w.places);
  for (int row = 0; row < w.height; ++row) {
    const float* gradient = w.gradient + row * w.gradient_row;
    const uint8_t* argmax = w.argmax + row * w.gradient_row;
    const float* tables = w.tables + row * w.table_row;
    for (int col = 0; col < w.width; ++col) {
      const Vec bytes = w.lanes == kWidth ? load_u8(argmax) : load_u8_partial(argmax, w.lanes);
      const Vec g = select(gt(places, bytes), load_lanes(gradient, w.lanes), zero());
      const Places place = load_places(argmax, w.lanes);
      unroll<0, kTaps>([&](auto t) TWILL_INLINE_LAMBDA {
        sum[t.value] = fma(g, lookup(tables + offsets[t.value], place), sum[t.value]);
      });
      gradient += w.gradient_col;
      argmax += w.gradient_col;
      tables += w.table_col;
    }
  }
  unroll<0, kTaps>([&](auto t) TWILL_INLINE_LAMBDA { store(sums + t.value * kChannels, sum[t.value]); });
}

using BlockFunction = void (*)(const Windows&, const int32_t*, float*);

struct Blocks {
  BlockFunction of[kMaxBlock];  // by taps less one; null where there is no code
};

constexpr bool has_code(int taps) { return !kCompact || taps == kMaxBlock || taps == 3 || taps == 1; }

template <int... kIndex>
constexpr Blocks make_blocks(std::integer_sequence<int, kIndex...>) {
  return {{has_code(kIndex + 1) ? add_taps<kIndex + 1> : nullptr...}};
}

constexpr Blocks kBlocks = make_blocks(std::make_integer_sequence<int, kMaxBlock>{});

// Output channels [oc, oc + channels) of a group, over all images. sums is [channels / 16][taps][16].
class Pass {
 public:
  Pass(const Conv2dPoolParams& p, const PatchTiling& t, int group, int oc, int channels)
      : p_(p), t_(t), tables_(p, t), taps_(taps_of(p)), group_(group), oc_(oc), channels_(channels) {
    int32_t* offset = offsets_;
    for (int kh = 0; kh < p.KH; ++kh) {
      for (int kw = 0; kw < p.KW; ++kw) {
        for (int ic = 0; ic < t.channels; ++ic) {
          *offset++ = 4 * (kh * p.dilation_h * tables_.row_entries + kw * p.dilation_w * t.channels + ic);
        }
      }
    }
  }

  void add_image(const float* x, const float* gradient, const uint8_t* argmax, float* sums) const {
    alignas(64) float patch[kLimits.floats + kPatchSlack];
    alignas(64) float tables[kTableFloats + 4 * kPatchSlack];
    const int blocks = (taps_ + kMaxBlock - 1) / kMaxBlock;
    const int block = kCompact ? kMaxBlock : (taps_ + blocks - 1) / blocks;  // equal ones where there are
    each_tile(p_, t_, [&](int ph, int pw, int height, int width) {
      fill_patch(p_, t_, x + group_ * t_.channels, ph, pw, patch);
      tables_.fill(p_, t_, patch, tables);
      const int64_t first = (int64_t{ph} * p_.PW + pw) * p_.OC + group_ * (p_.OC / p_.groups) + oc_;
      for (int channel = 0; channel < channels_; channel += kWidth) {
        const Windows windows{tables,
                              gradient + first + channel,
                              argmax + first + channel,
                              height,
                              width,
                              channels_ - channel < kWidth ? channels_ - channel : kWidth,
                              int64_t{p_.PW} * p_.OC,
                              p_.OC,
                              int64_t{4} * p_.pool_h * p_.stride_h * tables_.row_entries,
                              int64_t{4} * p_.pool_w * p_.stride_w * t_.channels,
                              static_cast<float>(p_.pool_h * p_.pool_w)};
        float* to = sums + channel / kChannels * taps_ * kChannels + channel % kChannels;
        for (int tap = 0, count; tap < taps_; tap += count) {
          count = taps_ - tap < block ? taps_ - tap : block;
          while (!kBlocks.of[count - 1]) --count;
          kBlocks.of[count - 1](windows, offsets_ + tap, to + tap * kChannels);
        }
      }
    });
  }

  // visit(sum, element of grad_weight) for all of them.
  template <typename Visit>
  void each_sum(float* sums, float* grad_weight, const Visit& visit) const {
    float* row = grad_weight + int64_t{group_ * (p_.OC / p_.groups) + oc_} * taps_;
    for (int channel = 0; channel < channels_; ++channel, row += taps_) {
      float* column = sums + channel / kChannels * taps_ * kChannels + channel % kChannels;
      for (int tap = 0; tap < taps_; ++tap) visit(column[tap * kChannels], row[tap]);
    }
  }

 private:
  const Conv2dPoolParams& p_;
  const PatchTiling t_;
  const Tables tables_;
  const int taps_, group_, oc_, channels_;
  int32_t offsets_[kMaxTaps];
};

}  // namespace

// By cycles on the machine at hand for 16 output channels of a window: 3/2 a tap and 8 for the window here;
// there, 12 survivors of 16, each a vector of taps a cycle and 6 more.
bool prefers_lookup(const Conv2dPoolParams& p) {
  const int ICG = p.IC / p.groups;
  const int OCG = p.OC / p.groups;
  PatchTiling t{};
  if (p.pool_h * p.pool_w > 4 || taps_of(p) > kMaxTaps || !tile_image(p, ICG, kLimits, &t)) return false;
  const int lookup = (OCG + 15) / 16 * (taps_of(p) * 3 + 16);
  const int rows = p.dilation_w == 1 ? (p.KW * ICG + 15) / 16 : (ICG + 15) / 16 * p.KW;
  const int walk = OCG * 3 * (p.KH * rows + 6) / 2;
  return lookup < walk;
}

void add_by_lookup(const Conv2dPoolParams& p, const float* x, const float* grad_output, const uint8_t* argmax,
                   int64_t images, float* grad_weight) {
  alignas(64) float sums[kMaxSums];
  const int OCG = p.OC / p.groups;
  const int most = kMaxSums / taps_of(p) / kChannels * kChannels;
  PatchTiling t{};
  tile_image(p, p.IC / p.groups, kLimits, &t);
  for (int group = 0; group < p.groups; ++group) {
    for (int oc = 0; oc < OCG; oc += most) {
      const Pass pass(p, t, group, oc, OCG - oc < most ? OCG - oc : most);
      zero_floats(sums, kMaxSums);  // lanes past the last channel are added to as well
      pass.each_sum(sums, grad_weight, [](float& sum, const float& weight) { sum = weight; });
      for (int64_t n = 0; n < images; ++n) {
        pass.add_image(x + n * p.IH * p.IW * p.IC, grad_output + n * p.PH * p.PW * p.OC,
                       argmax + n * p.PH * p.PW * p.OC, sums);
      }
      pass.each_sum(sums, grad_weight, [](const float& sum, float& weight) { weight = sum; });
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
