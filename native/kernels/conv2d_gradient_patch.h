// A piece of one image, copied to the stack with its padding written out as zeros.
//
// Kernels that walk scattered positions read rows of taps from it without a bound in sight, and a row of KW
// taps is KW * channels consecutive floats. The copy is read some hundred times for each time that it is
// made.
#pragma once

#include "elementwise.h"
#include "params.h"
#include "params_convolution.h"

namespace twill {
namespace TWILL_ISA {
namespace {

// An image is cut into tiles of windows_h x windows_w pooled positions, `channels` input channels at a time.
struct PatchTiling {
  int windows_h, windows_w, channels;
  int rows, cols;  // input pixels under a tile
};

inline int64_t pixels_under(int windows, int pool, int stride, int kernel, int dilation) {
  return (int64_t{windows} * pool - 1) * stride + int64_t{kernel - 1} * dilation + 1;
}

constexpr int kPatchSlack = 16;  // floats past a patch, for it is read in whole vectors: the widest one's

// What a tile may take at most.
struct PatchLimits {
  int floats, windows;
};

inline bool patch_fits(const Conv2dPoolParams& p, int windows_h, int windows_w, int channels,
                       const PatchLimits& limits) {
  const int64_t rows = pixels_under(windows_h, p.pool_h, p.stride_h, p.KH, p.dilation_h);
  const int64_t cols = pixels_under(windows_w, p.pool_w, p.stride_w, p.KW, p.dilation_w);
  return rows <= limits.floats && cols <= limits.floats && rows * cols * channels <= limits.floats &&
         windows_h * windows_w <= limits.windows;
}

// The largest tile for so many channels, whole rows of windows where one fits. False where not one window
// fits.
inline bool tile_image(const Conv2dPoolParams& p, int channels, const PatchLimits& limits,
                       PatchTiling* tiling) {
  if (!patch_fits(p, 1, 1, channels, limits)) return false;
  int windows_w = 1, windows_h = 1;
  while (windows_w < p.PW && patch_fits(p, 1, windows_w + 1, channels, limits)) ++windows_w;
  while (windows_h < p.PH && patch_fits(p, windows_h + 1, windows_w, channels, limits)) ++windows_h;
  // Equal tiles: 7 rows of windows of which 6 fit are 4 and 3.
  const int tiles_h = (p.PH + windows_h - 1) / windows_h;
  const int tiles_w = (p.PW + windows_w - 1) / windows_w;
  tiling->windows_h = (p.PH + tiles_h - 1) / tiles_h;
  tiling->windows_w = (p.PW + tiles_w - 1) / tiles_w;
  tiling->channels = channels;
  tiling->rows = static_cast<int>(pixels_under(tiling->windows_h, p.pool_h, p.stride_h, p.KH, p.dilation_h));
  tiling->cols = static_cast<int>(pixels_under(tiling->windows_w, p.pool_w, p.stride_w, p.KW, p.dilation_w));
  return true;
}

// tile(ph, pw, height, width): the first window of each tile and the windows in it.
template <typename Body>
TWILL_INLINE void each_tile(const Conv2dPoolParams& p, const PatchTiling& t, const Body& tile) {
  for (int ph = 0; ph < p.PH; ph += t.windows_h) {
    for (int pw = 0; pw < p.PW; pw += t.windows_w) {
      tile(ph, pw, p.PH - ph < t.windows_h ? p.PH - ph : t.windows_h,
           p.PW - pw < t.windows_w ? p.PW - pw : t.windows_w);
    }
  }
}

// patch [rows][cols][channels] = the pixels under the tile of window (ph, pw), x being the image at its first
// channel wanted. Zeros follow, so that what whole vectors read past the end is no denormal either.
inline void fill_patch(const Conv2dPoolParams& p, const PatchTiling& t, const float* x, int ph, int pw,
                       float* patch) {
  const int64_t top = int64_t{ph} * p.pool_h * p.stride_h - p.pad_h;
  const int64_t left = int64_t{pw} * p.pool_w * p.stride_w - p.pad_w;
  const int64_t row_floats = int64_t{t.cols} * t.channels;
  const int64_t begin = left < 0 ? -left : 0;                       // columns of the patch that lie
  const int64_t end = p.IW - left < t.cols ? p.IW - left : t.cols;  // within the image
  for (int row = 0; row < t.rows; ++row, patch += row_floats) {
    const int64_t ih = top + row;
    if (ih < 0 || ih >= p.IH || begin >= end) {
      zero_floats(patch, row_floats);
      continue;
    }
    const float* source = x + (ih * p.IW + left + begin) * p.IC;
    zero_floats(patch, begin * t.channels);
    if (t.channels == p.IC) {
      copy_floats(patch + begin * t.channels, source, (end - begin) * t.channels);
    } else {
      for (int64_t col = begin; col < end; ++col, source += p.IC) {
        copy_floats(patch + col * t.channels, source, t.channels);
      }
    }
    zero_floats(patch + end * t.channels, (t.cols - end) * t.channels);
  }
  zero_floats(patch, kPatchSlack);
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
