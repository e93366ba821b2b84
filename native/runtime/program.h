// A Program: a list of kernel calls with their buffers bound, as one array of int32 words.
//
//   header   magic, words, capacity, max_slices, tile, threads, kiloflops, blocks, buffers, stages  (10
//   words) buffers  block, offset, length, kind, stride, image_bytes                              (6 words
//   each) stages   domain, units, calls, then each call:
//            kernel, params, operands, then the parameters' words and a buffer's index for each operand (-1:
//            left out)
//
// kiloflops is the arithmetic of an image in thousands of operations, as good as it is known: a run that
// takes less time than waking a thread does runs on the thread at hand.
//
// offset, length and stride are in units of 64 bytes, so that 32 bits reach 128 GiB; image_bytes is in bytes.
//
// Stages run one after another with a barrier between. A stage's work is cut into pieces that depend on the
// batch and the program alone, never on the number of threads; all its calls run on one piece before the
// next:
//   images    slices = min(batch, max_slices). Slice s is the images [s*batch/slices, (s+1)*batch/slices),
//             walked in tiles of at most `tile`: a few go forward and backward while they are still in L2.
//   rows      each image is cut into `units` bands of rows, at most 64, for runs of so few images that these
//             do not keep the threads busy. There are no slices, and no operand is a partial sum.
//   elements  `units` units in at most 64 chunks (of a multiple of 16 units where there are 1024 or more).
//
// Buffers are one of three kinds. An operand's pointer is, for the call at hand,
//   shared    block + offset
//             one instance: the whole batch where it is an activation
//   slice     block + offset + slice * stride
//             max_slices instances: partial sums
//   thread    block + offset + thread * stride - tile_begin * image_bytes
//             one instance a thread, room for `tile` images: activations that live within one stage
#pragma once

#include <cstdint>

#include "../kernels/kernel.h"
#include "message.h"

namespace twill {

constexpr int32_t kProgramMagic = 0x4C575431;  // "TWL1"
constexpr int32_t kMaxOperands = 12;
constexpr int64_t kAlignment = 64;
constexpr int32_t kMaxBands = 64;

enum class BufferKind : int32_t { shared = 0, slice = 1, thread = 2 };

// The words, as they lie in a program.
struct ProgramHeader {
  int32_t magic, words, capacity, max_slices, tile, threads, kiloflops, blocks, buffers, stages;
};
struct ProgramBuffer {
  int32_t block, offset, length, kind, stride, image_bytes;
};
struct ProgramStage {
  int32_t domain, units, calls;
};
struct ProgramCall {
  int32_t kernel, params, operands;
};

constexpr int32_t kHeaderWords = sizeof(ProgramHeader) / sizeof(int32_t);
constexpr int32_t kBufferWords = sizeof(ProgramBuffer) / sizeof(int32_t);
constexpr int32_t kStageWords = sizeof(ProgramStage) / sizeof(int32_t);
constexpr int32_t kCallWords = sizeof(ProgramCall) / sizeof(int32_t);

struct Block {
  unsigned char* data;  // aligned to 64 bytes
  int64_t bytes;
};

// Checks a whole program against its blocks, so that running it needs no checks: known kernels, consistent
// parameters, every operand within its buffer at the capacity and every buffer within its block. The words
// must not change afterwards; they are executed in place. On failure returns false and says why in one
// sentence.
bool program_check(const int32_t* words, int64_t count, const Block* blocks, int64_t block_count,
                   Message& why);

// The arithmetic of a run, in thousands of operations, that is worth a thread: 50-100 us of the machines at
// hand, about what it takes to wake one.
constexpr int64_t kThreadKiloflops = 16384;

// Whether a run is worth no second thread, nor a thread of its own.
bool program_is_short(const int32_t* words, int32_t batch);

// Threads that run a program on `batch` images where `threads` may.
int32_t program_team(const int32_t* words, int32_t batch, int32_t threads);

// Runs a checked program on the first `batch` images of its buffers, 1 <= batch <= capacity, with a team of
// at most `threads` threads, this one included.
void program_run(const Kernel* kernels, const int32_t* words, const Block* blocks, int32_t batch,
                 int32_t threads);

}  // namespace twill
