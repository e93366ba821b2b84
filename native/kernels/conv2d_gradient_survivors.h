// The positions that survived a max-pool and ReLU in a tile of an image, channel by channel.
#pragma once

#include <cstdint>
#include <type_traits>

#include "../simd/simd.h"
#include "conv2d_gradient_patch.h"
#include "conv2d_gradient_rows.h"
#include "params.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {
namespace {

constexpr int kMaxWindows = 64;      // of a tile
constexpr int kChannelsAtOnce = 16;  // output channels whose survivors are found together

// A survivor as one word, the gradient's bits below and the offset above. Half of all gradients being zero, a
// branch on them would be mispredicted half the time: every word is written, and the count moves on by 0
// or 1.
constexpr bool kSingle = sizeof(float) == 4;  // else a test has made float a double (test/native/float64.h)
using Bits = std::conditional_t<kSingle, uint32_t, uint64_t>;
using Word = std::conditional_t<kSingle, uint64_t, unsigned __int128>;

// Where the places of a window lie in the patch. A gradient whose byte of argmax is no place (255: cut by
// ReLU) counts as zero, whatever it is.
class WindowPlaces {
 public:
  WindowPlaces(const Conv2dPoolParams& p, const PatchTiling& t)
      : places_(static_cast<uint32_t>(p.pool_h * p.pool_w)),
        reciprocal_(65536 / static_cast<uint32_t>(p.pool_w) + 1),
        col_(static_cast<uint32_t>(p.stride_w * t.channels)),
        row_(static_cast<uint32_t>(p.stride_h * t.cols * t.channels) -
             col_ * static_cast<uint32_t>(p.pool_w)) {}

  // The words of `count` channels of a window whose first place lies at `offset`. The quotient and remainder
  // by pool_w that a place's row and column are come from one product, exact for bytes: place / pool_w =
  // place * reciprocal >> 16.
  TWILL_INLINE void words(const float* gradient, const uint8_t* argmax, int count, uint32_t offset,
                          Word* words) const {
#if defined(__AVX512BW__)
    using namespace simd;
    const __mmask16 lanes = first_lanes(count);
    const __m512i place = _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_maskz_loadu_epi8(lanes, argmax));
    const __m512i scaled = _mm512_mullo_epi32(place, _mm512_set1_epi32(static_cast<int>(reciprocal_)));
    const __m512i place_row = _mm512_maskz_srli_epi32(kAllLanes, scaled, 16);
    const __m512i across = _mm512_mullo_epi32(place, _mm512_set1_epi32(static_cast<int>(col_)));
    const __m512i down = _mm512_mullo_epi32(place_row, _mm512_set1_epi32(static_cast<int>(row_)));
    const __m512i at =
        _mm512_add_epi32(_mm512_add_epi32(across, down), _mm512_set1_epi32(static_cast<int>(offset)));
    const __mmask16 valid =
        _mm512_mask_cmplt_epu32_mask(lanes, place, _mm512_set1_epi32(static_cast<int>(places_)));
    const __m512i bits = _mm512_maskz_loadu_epi32(valid, gradient);
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    _mm512_storeu_si512(words, _mm512_permutex2var_epi32(bits, low, at));
    _mm512_storeu_si512(words + 8, _mm512_permutex2var_epi32(bits, high, at));
#else
    for (int i = 0; i < count; ++i) {
      const uint32_t place = argmax[i];
      Bits bits;
      __builtin_memcpy(&bits, gradient + i, sizeof bits);
      const uint32_t at = offset + place * col_ + (place * reciprocal_ >> 16) * row_;
      words[i] = static_cast<Word>(at) << (8 * sizeof bits) | (place < places_ ? bits : 0);
    }
#endif
  }

 private:
  uint32_t places_, reciprocal_, col_, row_;
};

// The survivors of one channel: those whose gradient is neither +0 nor -0.
TWILL_INLINE int64_t compact(const Word* words, int windows, Survivor* survivors) {
  int64_t count = 0;
#pragma GCC unroll 4
  for (int i = 0; i < windows; ++i, words += kChannelsAtOnce) {
    const Word word = *words;
    __builtin_memcpy(survivors + count, &word, sizeof word);
    count += static_cast<Bits>(static_cast<Bits>(word) << 1) != 0;
  }
  return count;
}

// body(channel, survivors, count) for each of `channels` channels with survivors in a tile of height x width
// windows; gradient and argmax are at its first window and channel.
template <typename Body>
TWILL_INLINE void each_channel(const Conv2dPoolParams& p, const PatchTiling& t, const float* gradient,
                               const uint8_t* argmax, int height, int width, int channels, const Body& body) {
  const WindowPlaces places(p, t);
  const uint32_t window_row = static_cast<uint32_t>(p.pool_h * p.stride_h * t.cols * t.channels);
  const uint32_t window_col = static_cast<uint32_t>(p.pool_w * p.stride_w * t.channels);
  Word words[kMaxWindows * kChannelsAtOnce];
  Survivor survivors[kMaxWindows];
  for (int first = 0; first < channels; first += kChannelsAtOnce) {
    const int block = channels - first < kChannelsAtOnce ? channels - first : kChannelsAtOnce;
    Word* to = words;
    for (int row = 0; row < height; ++row) {
      int64_t at = int64_t{row} * p.PW * p.OC + first;
      for (int col = 0; col < width; ++col, at += p.OC, to += kChannelsAtOnce) {
        places.words(gradient + at, argmax + at, block, row * window_row + col * window_col, to);
      }
    }
    for (int i = 0; i < block; ++i) {
      const int64_t count = compact(words + i, height * width, survivors);
      if (count > 0) body(first + i, survivors, count);
    }
  }
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
