// Runs a checked program with every buffer alone between pages that nobody may touch.
//
// The program's own plan is undone for it: buffers that share memory are parted, and each instance of each
// one gets exactly the bytes that its operands cover for the batch at hand (extents.h), flush against a
// forbidden page behind it or before it. What no call writes lies on pages that cannot be written. So an
// access that leaves an operand by one byte, or writes one that is only read, ends the process, at the
// kernels' full speed and in the very objects that are shipped.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "../../native/runtime/program.h"

namespace twill {

// Which side of a buffer has no byte to spare.
enum class Flush { back, front };

class GuardedProgram {
 public:
  // `words` were accepted by program_check.
  GuardedProgram(std::vector<int32_t> words, int32_t batch, int32_t threads, Flush flush);
  ~GuardedProgram();
  GuardedProgram(const GuardedProgram&) = delete;
  GuardedProgram& operator=(const GuardedProgram&) = delete;

  // Bytes of all buffers, and multiplications or comparisons of the longest loops: for callers with limits.
  struct Cost {
    int64_t bytes;
    int64_t operations;
  };
  static Cost cost(const std::vector<int32_t>& words, int32_t batch, int32_t threads);

  // What runs it: words, blocks, batch.
  using Run = std::function<void(const int32_t*, const Block*, int32_t)>;

  // Fills the buffers and runs. What a call writes before any reads it is filled from `stale` instead: its
  // value may not matter. Returns a hash of all that is left in shared buffers and in the slices of this run.
  uint64_t run(const Run& run, uint32_t stale);

 private:
  struct Buffer {
    int64_t bytes = 0;        // of an instance, as operands cover them
    int64_t instances = 0;    // that a run uses
    int64_t all_slices = 0;   // bytes of the operand that is all instances, where there is one
    int64_t alignment = 1;    // that its operands' elements need
    int64_t stride = 0;       // from one to the next, a multiple of pages
    bool read_first = false;  // its first use reads it
    bool written = false;
    int32_t classes = 0;  // it holds labels 0..classes-1
    unsigned char* mapping = nullptr;
    int64_t mapped = 0;
    unsigned char* data = nullptr;  // of the first instance
  };

  static std::vector<Buffer> measure(const std::vector<int32_t>& words, int32_t batch, int32_t threads,
                                     int64_t* operations);
  void map(Buffer& buffer, Flush flush);
  static void fill(const Buffer& buffer, uint32_t seed);

  std::vector<int32_t> words_;
  int32_t batch_;
  std::vector<Buffer> buffers_;
  std::vector<Block> blocks_;
};

// What a test or a fuzzer is fed with: a number of blocks, each one's size in units of 64 bytes, the words.
// False, with the reason, where it is no program; the words are in `words` all the same.
bool read_program(const int32_t* input, int64_t count, std::vector<int32_t>& words, Message& why);

}  // namespace twill
