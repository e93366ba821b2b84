// Images cut into blocks that a kernel has code for, by the images that share each load of a weight.
#pragma once

#include "../simd/unroll.h"

namespace twill {
namespace TWILL_ISA {
namespace {

template <int kMost>
constexpr bool has_code(int images) {
  if (simd::kCompact) return images == 1 || (kMost > 4 && images == kMost / 2) || images == kMost;
  return images <= 8 || images % 2 == 0;
}

template <int kMost, int kImages, typename Body>
TWILL_INLINE void run_block(int64_t images, const Body& body) {
  if constexpr (has_code<kMost>(kImages)) {
    if (images == kImages) return body(simd::Constant<kImages>{});
  }
  if constexpr (kImages > 1) run_block<kMost, kImages - 1>(images, body);
}

// body(first, Constant<images>) for images [0, count), in as few blocks of at most kMost as do, of equal
// size.
template <int kMost, typename Body>
TWILL_INLINE void each_block(int64_t count, const Body& body) {
  for (int64_t n = 0, images; n < count; n += images) {
    const int64_t blocks = (count - n + kMost - 1) / kMost;
    images = (count - n + blocks - 1) / blocks;
    while (!has_code<kMost>(static_cast<int>(images))) --images;
    run_block<kMost, kMost>(images, [&](auto size) TWILL_INLINE_LAMBDA { body(n, size); });
  }
}

}  // namespace
}  // namespace TWILL_ISA
}  // namespace twill
