// What JavaScript's objects hold: memory and checked programs, shared so that a run outlives its handles.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../runtime/program.h"

namespace twill {

// Zeroed bytes on a 64-byte boundary, rounded up to whole units of a program's addresses.
class Storage {
 public:
  // Null where the memory cannot be had.
  static std::shared_ptr<Storage> allocate(int64_t bytes);

  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  int64_t bytes() const { return bytes_; }
  Block block() const { return {data_, (bytes_ + kAlignment - 1) / kAlignment * kAlignment}; }

 private:
  Storage(void* allocation, unsigned char* data, int64_t bytes)
      : allocation_(allocation), data_(data), bytes_(bytes) {}

  void* allocation_;
  unsigned char* data_;
  int64_t bytes_;
};

// A program that was checked, with the memory that it runs on.
struct LoadedProgram {
  std::vector<int32_t> words;
  std::vector<std::shared_ptr<Storage>> memories;
  std::vector<Block> blocks;
  const Kernel* kernels;
  int32_t threads;

  int32_t capacity() const { return reinterpret_cast<const ProgramHeader*>(words.data())->capacity; }
  bool is_short(int32_t batch) const { return program_is_short(words.data(), batch); }
  void run(int32_t batch) const { program_run(kernels, words.data(), blocks.data(), batch, threads); }
};

}  // namespace twill
