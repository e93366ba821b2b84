// A Program: a list of kernel calls with their buffers bound, as one array of int32 words.
//
//   header   magic, words, capacity, max_slices, tile, threads, blocks, buffers, stages          (9 words)
//   buffers  block, offset, length, kind, stride, image_bytes                      (6 words each)
//   stages   domain, units, calls, then each call: kernel, params, operands, param words, buffer indices (-1: left out)
//
// offset, length and stride are in units of 64 bytes, so that 32 bits reach 128 GiB; image_bytes is in bytes.
//
// Stages run one after another with a barrier between; a stage's work is cut into pieces that depend on the batch
// and the program alone, never on the number of threads, and all calls of a stage run on one piece before the next:
//   images    slices = min(batch, max_slices); slice s is the images [s*batch/slices, (s+1)*batch/slices), walked in
//             tiles of at most `tile` images. So a few images go forward and backward while they are still in L2.
//   elements  `units` units in at most 64 chunks (of a multiple of 16 units where there are 1024 or more).
//
// Buffers are one of three kinds. An operand's pointer is, for the call at hand,
//   shared    block + offset                                       one instance; the whole batch where it is an activation
//   slice     block + offset + slice * stride                      max_slices instances: partial sums
//   thread    block + offset + thread * stride - tile_begin * image_bytes
//             one instance a thread, room for `tile` images: activations that live within one stage
#pragma once

#include <cstdint>

namespace twill {

constexpr int32_t kProgramMagic = 0x4C575431;  // "TWL1"
constexpr int32_t kHeaderWords = 9;
constexpr int32_t kBufferWords = 6;
constexpr int32_t kMaxOperands = 12;
constexpr int64_t kAlignment = 64;

enum class BufferKind : int32_t { shared = 0, slice = 1, thread = 2 };

struct Block {
  unsigned char* data;  // aligned to 64 bytes
  int64_t bytes;
};

}  // namespace twill
