// What a test or a fuzzer is fed with (read_program in guarded_program.h), taken apart so that it can be
// changed.
#pragma once

#include <cstdint>
#include <vector>

#include "../../native/runtime/program.h"

namespace twill {

struct EditableCall {
  int32_t kernel;
  std::vector<int32_t> params, operands;
};

struct EditableStage {
  int32_t domain, units;
  std::vector<EditableCall> calls;
};

struct EditableProgram {
  std::vector<int32_t> blocks;  // units of 64 bytes
  ProgramHeader header;
  std::vector<ProgramBuffer> buffers;
  std::vector<EditableStage> stages;

  // False where counts do not fit what is there; what they count may be anything.
  bool parse(const int32_t* input, int64_t count);

  // Its counts are those of what it holds.
  std::vector<int32_t> input() const;

  // Makes buffers as large as their operands take, and what hangs on that: image_bytes, strides, blocks.
  // Parameters that do not go together stay as they are.
  void make_room();

  // body(int32_t&) for every word but the counts.
  template <typename Body>
  void each_word(const Body& body) {
    for (int32_t& units : blocks) body(units);
    for (int32_t* word :
         {&header.capacity, &header.max_slices, &header.tile, &header.threads, &header.kiloflops})
      body(*word);
    for (ProgramBuffer& buffer : buffers) {
      for (int32_t* word :
           {&buffer.block, &buffer.offset, &buffer.length, &buffer.kind, &buffer.stride, &buffer.image_bytes})
        body(*word);
    }
    for (EditableStage& stage : stages) {
      body(stage.domain);
      body(stage.units);
      for (EditableCall& call : stage.calls) {
        body(call.kernel);
        for (int32_t& word : call.params) body(word);
        for (int32_t& word : call.operands) body(word);
      }
    }
  }
};

}  // namespace twill
