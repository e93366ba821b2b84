#include "editable_program.h"

#include <algorithm>

#include "../../native/runtime/extents.h"
#include "../../native/runtime/signature.h"

namespace twill {
namespace {

// Takes words off an input, as long as there are enough.
class Words {
 public:
  Words(const int32_t* next, int64_t count) : next_(next), left_(count) {}

  template <typename Record>
  bool take(Record& record) {
    constexpr int64_t kWords = sizeof(Record) / sizeof(int32_t);
    if (left_ < kWords) return false;
    record = *reinterpret_cast<const Record*>(next_);
    return skip(kWords);
  }

  bool take(std::vector<int32_t>& words, int64_t count) {
    if (count < 0 || count > left_) return false;
    words.assign(next_, next_ + count);
    return skip(count);
  }

  int64_t left() const { return left_; }

 private:
  bool skip(int64_t count) {
    next_ += count;
    left_ -= count;
    return true;
  }

  const int32_t* next_;
  int64_t left_;
};

template <typename Record>
void append(std::vector<int32_t>& words, const Record& record) {
  const auto* begin = reinterpret_cast<const int32_t*>(&record);
  words.insert(words.end(), begin, begin + sizeof(Record) / sizeof(int32_t));
}

int32_t units_of(int64_t bytes) {
  return static_cast<int32_t>(std::min<int64_t>((bytes + kAlignment - 1) / kAlignment, INT32_MAX));
}

bool parse_call(Words& words, EditableCall& call) {
  ProgramCall record;
  if (!words.take(record)) return false;
  call.kernel = record.kernel;
  return words.take(call.params, record.params) && words.take(call.operands, record.operands);
}

}  // namespace

bool EditableProgram::parse(const int32_t* input, int64_t count) {
  Words words(input, count);
  int32_t block_count;
  if (!words.take(block_count) || !words.take(blocks, block_count) || !words.take(header)) return false;
  if (header.buffers < 0 || header.buffers > words.left() || header.stages < 0 ||
      header.stages > words.left())
    return false;
  buffers.resize(header.buffers);
  for (ProgramBuffer& buffer : buffers) {
    if (!words.take(buffer)) return false;
  }
  stages.resize(header.stages);
  for (EditableStage& stage : stages) {
    ProgramStage record;
    if (!words.take(record) || record.calls < 0 || record.calls > words.left()) return false;
    stage = {record.domain, record.units, std::vector<EditableCall>(record.calls)};
    for (EditableCall& call : stage.calls) {
      if (!parse_call(words, call)) return false;
    }
  }
  return words.left() == 0;
}

std::vector<int32_t> EditableProgram::input() const {
  const auto size = [](const auto& list) { return static_cast<int32_t>(list.size()); };
  ProgramHeader counted = header;
  counted.blocks = size(blocks);
  counted.buffers = size(buffers);
  counted.stages = size(stages);
  std::vector<int32_t> words;
  append(words, counted);
  for (const ProgramBuffer& buffer : buffers) append(words, buffer);
  for (const EditableStage& stage : stages) {
    append(words, ProgramStage{stage.domain, stage.units, size(stage.calls)});
    for (const EditableCall& call : stage.calls) {
      append(words, ProgramCall{call.kernel, size(call.params), size(call.operands)});
      words.insert(words.end(), call.params.begin(), call.params.end());
      words.insert(words.end(), call.operands.begin(), call.operands.end());
    }
  }
  reinterpret_cast<ProgramHeader*>(words.data())->words = size(words);
  std::vector<int32_t> whole = {size(blocks)};
  whole.insert(whole.end(), blocks.begin(), blocks.end());
  whole.insert(whole.end(), words.begin(), words.end());
  return whole;
}

void EditableProgram::make_room() {
  for (const EditableStage& stage : stages) {
    for (const EditableCall& call : stage.calls) {
      if (call.kernel < 0 || call.kernel >= kKernelCount) continue;
      if (static_cast<int32_t>(call.params.size()) != kSignatures[call.kernel].param_words) continue;
      const Extents extents = kernel_extents(call.kernel, call.params.data(), header.max_slices);
      if (extents.inconsistent) continue;
      for (int i = 0; i < extents.count && i < static_cast<int>(call.operands.size()); ++i) {
        const int32_t index = call.operands[i];
        if (index < 0 || index >= static_cast<int32_t>(buffers.size())) continue;
        ProgramBuffer& buffer = buffers[index];
        const Extent& extent = extents.operands[i];
        const bool thread = static_cast<BufferKind>(buffer.kind) == BufferKind::thread;
        int64_t bytes;
        if (__builtin_mul_overflow(extent.image, int64_t{thread ? header.tile : header.capacity}, &bytes) ||
            __builtin_add_overflow(bytes, extent.fixed, &bytes))
          continue;
        buffer.length = std::max(buffer.length, units_of(bytes));
        if (thread) buffer.image_bytes = static_cast<int32_t>(std::min<int64_t>(extent.image, INT32_MAX));
      }
    }
  }
  for (ProgramBuffer& buffer : buffers) {
    const auto kind = static_cast<BufferKind>(buffer.kind);
    buffer.stride = kind == BufferKind::shared ? 0 : std::max(buffer.stride, buffer.length);
    if (buffer.block < 0 || buffer.block >= static_cast<int32_t>(blocks.size())) continue;
    const int64_t instances = kind == BufferKind::slice    ? header.max_slices
                              : kind == BufferKind::thread ? header.threads
                                                           : 1;
    const int64_t end = buffer.offset + (instances - 1) * buffer.stride + buffer.length;
    int32_t& block = blocks[buffer.block];
    if (end > block) block = static_cast<int32_t>(std::min<int64_t>(end, INT32_MAX));
  }
}

}  // namespace twill
