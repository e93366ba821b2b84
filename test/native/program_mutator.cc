// How libFuzzer changes programs: by their records, so that most of what it makes is a program still and many
// pass the check. Counts are right again after each change; now and then some bytes are changed blindly on
// top.
#include <algorithm>
#include <cstring>
#include <random>

#include "../../native/runtime/signature.h"
#include "editable_program.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using namespace twill;

class Mutator {
 public:
  Mutator(EditableProgram& program, unsigned seed) : program_(program), random_(seed) {}

  void change() {
    for (int64_t edits = 1 + below(3); edits > 0; --edits) edit();
    if (below(4) > 0) program_.make_room();
  }

  // A call of another program, between those of this one.
  void take_from(const EditableProgram& other) {
    if (other.stages.empty() || program_.stages.empty()) return;
    const EditableStage& from = other.stages[below(other.stages.size())];
    if (from.calls.empty()) return;
    const bool whole = below(4) == 0;
    EditableStage stage = {from.domain, from.units, {}};
    for (const EditableCall& call : from.calls) {
      if (whole || below(2)) stage.calls.push_back(call);
    }
    for (EditableCall& call : stage.calls) bind(call);
    program_.stages.insert(program_.stages.begin() + below(program_.stages.size() + 1), stage);
    if (below(4) > 0) program_.make_room();
  }

 private:
  int64_t below(int64_t limit) {
    return limit > 0 ? static_cast<int64_t>(random_() % static_cast<uint64_t>(limit)) : 0;
  }

  void edit() {
    switch (below(10)) {
      case 0:
      case 1:
        return change_word();
      case 2:
      case 3:
        return change_size_everywhere();
      case 4:
        return change_parameter();
      case 5:
        return change_binding();
      case 6:
        return change_kernel();
      case 7:
        return move_call();
      case 8:
        return change_stages();
      default:
        return change_buffer();
    }
  }

  // Every size that a shape begins or ends at, and the numbers at which arithmetic breaks.
  int32_t number(int32_t was) {
    static constexpr int32_t kEdges[] = {
        0,  1,         2,         3,       4,       7,     8,     15,     16,    17,        31,
        32, 33,        63,        64,      65,      127,   255,   256,    1023,  1024,      -1,
        -2, INT32_MAX, INT32_MIN, 1 << 30, 1 << 16, 65535, 46341, 0x7fff, 46340, 0x3fffffff};
    const auto wide = static_cast<uint32_t>(was);
    switch (below(7)) {
      case 0:
        return static_cast<int32_t>(wide + 1);
      case 1:
        return static_cast<int32_t>(wide - 1);
      case 2:
        return static_cast<int32_t>(wide * 2);
      case 3:
        return was / 2;
      case 4:
        return static_cast<int32_t>(1 + below(20));
      case 5:
        return static_cast<int32_t>(wide ^ (1u << below(32)));
      default:
        return kEdges[below(sizeof kEdges / sizeof *kEdges)];
    }
  }

  void change_word() {
    std::vector<int32_t*> words;
    program_.each_word([&](int32_t& word) { words.push_back(&word); });
    int32_t& word = *words[below(words.size())];
    word = below(4) ? number(word) : *words[below(words.size())];
  }

  EditableCall* any_call() {
    if (program_.stages.empty()) return nullptr;
    EditableStage& stage = program_.stages[below(program_.stages.size())];
    return stage.calls.empty() ? nullptr : &stage.calls[below(stage.calls.size())];
  }

  // A channel count or an image's side, wherever it occurs: shapes go on fitting together.
  void change_size_everywhere() {
    const EditableCall* call = any_call();
    if (!call || call->params.empty()) return;
    const int32_t was = call->params[below(call->params.size())];
    const int32_t becomes = number(was);
    for (EditableStage& stage : program_.stages) {
      if (stage.units == was) stage.units = becomes;
      for (EditableCall& one : stage.calls) std::replace(one.params.begin(), one.params.end(), was, becomes);
    }
  }

  void change_parameter() {
    EditableCall* call = any_call();
    if (!call || call->params.empty()) return;
    int32_t& word = call->params[below(call->params.size())];
    word = number(word);
  }

  int32_t any_buffer() { return static_cast<int32_t>(below(program_.buffers.size() + 1)) - 1; }

  void change_binding() {
    EditableCall* call = any_call();
    if (call && !call->operands.empty()) call->operands[below(call->operands.size())] = any_buffer();
  }

  void bind(EditableCall& call) {
    for (int32_t& operand : call.operands) operand = any_buffer();
  }

  void change_kernel() {
    EditableCall* call = any_call();
    if (!call) return;
    call->kernel = static_cast<int32_t>(below(kKernelCount));
    const KernelSignature& kernel = kSignatures[call->kernel];
    call->params.resize(kernel.param_words, 1);
    size_t operands = 0;
    OperandSignature operand;
    for (const char* text = kernel.operands; next_operand(text, operand);) ++operands;
    while (call->operands.size() < operands) call->operands.push_back(any_buffer());
    call->operands.resize(operands);
  }

  void move_call() {
    if (program_.stages.empty()) return;
    EditableStage& from = program_.stages[below(program_.stages.size())];
    EditableStage& to = program_.stages[below(program_.stages.size())];
    if (from.calls.empty()) return;
    const int64_t at = below(from.calls.size());
    const EditableCall call = from.calls[at];
    if (below(3) > 0) from.calls.erase(from.calls.begin() + at);
    if (below(3) > 0) to.calls.insert(to.calls.begin() + below(to.calls.size() + 1), call);
  }

  void change_stages() {
    if (program_.stages.empty()) return;
    const int64_t at = below(program_.stages.size());
    EditableStage& stage = program_.stages[at];
    switch (below(4)) {
      case 0:
        program_.stages.erase(program_.stages.begin() + at);
        break;
      case 1:
        program_.stages.insert(program_.stages.begin() + below(program_.stages.size() + 1),
                               EditableStage(stage));
        break;
      case 2:
        stage.domain = static_cast<int32_t>(below(3));
        break;
      default:
        stage.units = number(stage.units);
    }
  }

  void change_buffer() {
    if (program_.buffers.empty()) return;
    ProgramBuffer& buffer = program_.buffers[below(program_.buffers.size())];
    switch (below(4)) {
      case 0:
        buffer.kind = static_cast<int32_t>(below(3));
        break;
      case 1:
        buffer.length = 0;  // as little as make_room finds
        break;
      case 2:
        buffer.offset = static_cast<int32_t>(below(64));
        break;
      default:
        program_.buffers.push_back(ProgramBuffer(buffer));
    }
  }

  EditableProgram& program_;
  std::mt19937_64 random_;
};

bool read(const uint8_t* data, size_t size, EditableProgram& program) {
  std::vector<int32_t> words(size / sizeof(int32_t));
  if (!words.empty()) std::memcpy(words.data(), data, words.size() * sizeof(int32_t));
  return program.parse(words.data(), static_cast<int64_t>(words.size()));
}

size_t write(const EditableProgram& program, uint8_t* data, size_t max_size) {
  const std::vector<int32_t> words = program.input();
  const size_t size = words.size() * sizeof(int32_t);
  if (size > max_size) return 0;
  std::memcpy(data, words.data(), size);
  return size;
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  EditableProgram program;
  const bool blindly = seed % 32 == 0;
  if (blindly || !read(data, size, program)) return LLVMFuzzerMutate(data, size, max_size);
  Mutator(program, seed).change();
  const size_t written = write(program, data, max_size);
  return written ? written : size;
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size, const uint8_t* other,
                                            size_t other_size, uint8_t* out, size_t max_size, unsigned seed) {
  EditableProgram program, from;
  if (!read(one, one_size, program) || !read(other, other_size, from)) return 0;
  Mutator(program, seed).take_from(from);
  return write(program, out, max_size);
}
