// Runs the pieces of a program's stages (program.h); how they are shared out among threads is up to the
// caller.
#pragma once

#include <cstdint>

#include "program.h"

namespace twill {
namespace {

constexpr int64_t kMaxChunks = 64;

// The images or elements of one piece of a stage.
struct Range {
  int64_t begin, end;
};

// One of the equal parts that the rows of an image are cut into.
struct Band {
  int32_t index, count;
};

// A stage's place in the words and the number of pieces that its work is cut into.
struct Stage {
  const ProgramStage* record;
  const int32_t* calls;  // where its calls begin
  int64_t pieces;
  int64_t chunk;  // units in a piece, over elements
};

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Runs pieces of one program's stages; each thread of a team has its own.
class Runner {
 public:
  Runner(const Kernel* kernels, const int32_t* words, const Block* blocks, int32_t batch, int32_t thread)
      : kernels_(kernels),
        header_(reinterpret_cast<const ProgramHeader*>(words)),
        buffers_(reinterpret_cast<const ProgramBuffer*>(words + kHeaderWords)),
        blocks_(blocks),
        batch_(batch),
        slices_(batch < header_->max_slices ? batch : header_->max_slices),
        thread_(thread) {}

  // The stage whose words begin at `words`.
  Stage stage(const int32_t* words) const {
    Stage stage{};
    stage.record = reinterpret_cast<const ProgramStage*>(words);
    stage.calls = words + kStageWords;
    const int64_t units = stage.record->units;
    switch (domain_of(stage)) {
      case Domain::images:
        stage.pieces = slices_;
        break;
      case Domain::rows:
        stage.pieces = batch_ * units;
        break;
      case Domain::elements:
        stage.chunk = divide_up(units, kMaxChunks);
        if (units >= 1024) stage.chunk = divide_up(stage.chunk, 16) * 16;
        stage.pieces = stage.chunk ? divide_up(units, stage.chunk) : 0;
        break;
    }
    return stage;
  }

  // Runs one piece of the stage.
  void run_piece(const Stage& stage, int64_t piece) {
    switch (domain_of(stage)) {
      case Domain::images:
        return run_slice(stage, piece);
      case Domain::rows:
        return run_band(stage, piece);
      case Domain::elements:
        return run_chunk(stage, piece);
    }
  }

  // Where the words of the next stage begin.
  static const int32_t* after(const Stage& stage) {
    const int32_t* words = stage.calls;
    for (int32_t i = 0; i < stage.record->calls; ++i) words = next_call(words);
    return words;
  }

 private:
  static Domain domain_of(const Stage& stage) { return static_cast<Domain>(stage.record->domain); }

  void run_slice(const Stage& stage, int64_t slice) {
    slice_ = slice;
    const int64_t first = slice * batch_ / slices_;
    const int64_t last = (slice + 1) * batch_ / slices_;
    for (tile_begin_ = first; tile_begin_ < last; tile_begin_ += header_->tile) {
      const int64_t end = tile_begin_ + header_->tile;
      run_calls(stage, {tile_begin_, end < last ? end : last}, tile_begin_ == first, {0, 1});
    }
  }

  void run_band(const Stage& stage, int64_t piece) {
    const int32_t bands = stage.record->units;
    slice_ = 0;
    tile_begin_ = piece / bands;
    run_calls(stage, {tile_begin_, tile_begin_ + 1}, true, {static_cast<int32_t>(piece % bands), bands});
  }

  void run_chunk(const Stage& stage, int64_t piece) {
    const int64_t begin = piece * stage.chunk;
    const int64_t end = begin + stage.chunk;
    slice_ = 0;
    tile_begin_ = 0;
    run_calls(stage, {begin, end < stage.record->units ? end : stage.record->units}, true, {0, 1});
  }

  static const int32_t* next_call(const int32_t* words) {
    const auto& call = *reinterpret_cast<const ProgramCall*>(words);
    return words + kCallWords + call.params + call.operands;
  }

  void run_calls(const Stage& stage, Range range, bool first, Band band) {
    const int32_t* words = stage.calls;
    for (int32_t i = 0; i < stage.record->calls; ++i, words = next_call(words)) {
      const auto& call = *reinterpret_cast<const ProgramCall*>(words);
      const int32_t* params = words + kCallWords;
      const int32_t* bound = params + call.params;
      void* operands[kMaxOperands];
      for (int32_t j = 0; j < call.operands; ++j)
        operands[j] = bound[j] < 0 ? nullptr : address(buffers_[bound[j]]);
      const Work work{params, operands, batch_, slices_, first, band.index, band.count};
      kernels_[call.kernel](work, range.begin, range.end);
    }
  }

  // As an integer: a thread's buffer is addressed by image, so its image 0 may lie before the block.
  void* address(const ProgramBuffer& buffer) const {
    uintptr_t at = reinterpret_cast<uintptr_t>(blocks_[buffer.block].data) + buffer.offset * kAlignment;
    const auto kind = static_cast<BufferKind>(buffer.kind);
    if (kind == BufferKind::slice) at += slice_ * buffer.stride * kAlignment;
    if (kind == BufferKind::thread) {
      at += thread_ * buffer.stride * kAlignment - tile_begin_ * buffer.image_bytes;
    }
    return reinterpret_cast<void*>(at);
  }

  const Kernel* kernels_;
  const ProgramHeader* header_;
  const ProgramBuffer* buffers_;
  const Block* blocks_;
  const int32_t batch_;
  const int32_t slices_;
  const int64_t thread_;
  int64_t slice_ = 0;
  int64_t tile_begin_ = 0;
};

// Where the words of the first stage begin.
inline const int32_t* first_stage(const ProgramHeader& header, const int32_t* words) {
  return words + kHeaderWords + int64_t{header.buffers} * kBufferWords;
}

}  // namespace
}  // namespace twill
