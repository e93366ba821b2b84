#include "guarded_program.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "../../native/runtime/extents.h"
#include "../../native/runtime/signature.h"

namespace twill {
namespace {

ProgramHeader& header_of(std::vector<int32_t>& words) {
  return *reinterpret_cast<ProgramHeader*>(words.data());
}
const ProgramHeader& header_of(const std::vector<int32_t>& words) {
  return *reinterpret_cast<const ProgramHeader*>(words.data());
}
const ProgramBuffer& record_of(const std::vector<int32_t>& words, int index) {
  return reinterpret_cast<const ProgramBuffer*>(words.data() + kHeaderWords)[index];
}

// body(stage, call, signature, params, bound) for every call in order.
template <typename Body>
void each_call(const std::vector<int32_t>& words, const Body& body) {
  const ProgramHeader& header = header_of(words);
  const int32_t* next = words.data() + kHeaderWords + int64_t{header.buffers} * kBufferWords;
  for (int32_t i = 0; i < header.stages; ++i) {
    const auto& stage = *reinterpret_cast<const ProgramStage*>(next);
    next += kStageWords;
    for (int32_t j = 0; j < stage.calls; ++j) {
      const auto& call = *reinterpret_cast<const ProgramCall*>(next);
      const int32_t* params = next + kCallWords;
      body(stage, call, kSignatures[call.kernel], params, params + call.params);
      next = params + call.params + call.operands;
    }
  }
}

// The product of the parameters that are sizes: an upper bound of a call's work on an image.
int64_t operations_of(const KernelSignature& kernel, const int32_t* params) {
  int64_t product = 1;
  const char* name = kernel.params;
  for (int32_t i = 0; i < kernel.param_words; ++i) {
    const char* end = std::strchr(name, ' ');
    const auto is = [&](const char* other) { return !std::strncmp(name, other, end - name + 1); };
    const bool size = is("IC ") || is("OC ") || is("OH ") || is("OW ") || is("KH ") || is("KW ") ||
                      is("C ") || is("H ") || is("W ") || is("size ") || is("IN ") || is("OUT ") ||
                      is("classes ") || is("count ") || is("taps ") || is("rounds ");
    if (size && __builtin_mul_overflow(product, int64_t{std::max(params[i], 1)}, &product)) return INT64_MAX;
    name = end + 1;
  }
  return product;
}

// What elements of up to 8 bytes may need where they take so many in all. A buffer of bytes that is one of
// floats in another call, as a fuzzer binds it, has some to spare.
int64_t alignment_of(int64_t bytes) { return bytes % 8 == 0 ? 8 : bytes % 4 == 0 ? 4 : 1; }

const int64_t kPage = sysconf(_SC_PAGESIZE);
int64_t pages(int64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

std::vector<GuardedProgram::Buffer> GuardedProgram::measure(const std::vector<int32_t>& words, int32_t batch,
                                                            int32_t threads, int64_t* operations) {
  const ProgramHeader& header = header_of(words);
  std::vector<Buffer> buffers(header.buffers);
  std::vector<bool> used(header.buffers);
  const int32_t slices = std::min(batch, header.max_slices);
  each_call(words, [&](const ProgramStage& stage, const ProgramCall& call, const KernelSignature& kernel,
                       const int32_t* params, const int32_t* bound) {
    const bool elements = static_cast<Domain>(stage.domain) == Domain::elements;
    // Only as many partial sums as this run makes are there to be read.
    const Extents extents = kernel_extents(call.kernel, params, slices);
    const int64_t images = elements ? 1 : batch;
    int64_t work = operations_of(kernel, params);
    if (__builtin_mul_overflow(work, images, &work) || __builtin_add_overflow(*operations, work, operations))
      *operations = INT64_MAX;
    const char* text = kernel.operands;
    OperandSignature operand;
    for (int i = 0; next_operand(text, operand); ++i) {
      if (bound[i] < 0) continue;
      Buffer& buffer = buffers[bound[i]];
      const ProgramBuffer& record = record_of(words, bound[i]);
      const Extent& extent = extents.operands[i];
      const auto kind = static_cast<BufferKind>(record.kind);
      const int64_t there = kind == BufferKind::thread ? std::min(batch, header.tile) : batch;
      int64_t& bytes = kind == BufferKind::slice && elements ? buffer.all_slices : buffer.bytes;
      const int64_t covered = extent.fixed + extent.image * there;
      bytes = std::max(bytes, covered);
      buffer.alignment = std::max(buffer.alignment, alignment_of(covered));
      buffer.instances = kind == BufferKind::shared ? 1 : kind == BufferKind::slice ? slices : threads;
      const bool reads = operand.access == 'r' || operand.access == 'u';
      if (!used[bound[i]]) buffer.read_first = reads;
      used[bound[i]] = true;
      buffer.written = buffer.written || operand.access != 'r';
      if (!std::strncmp(operand.name, "labels", operand.name_length)) buffer.classes = params[0];
    }
  });
  for (int32_t i = 0; i < header.buffers; ++i) {
    Buffer& buffer = buffers[i];
    if (buffer.all_slices) {
      // Some call takes all partial sums as one operand: they stay in one piece, as far apart as they were.
      const int64_t last = int64_t{record_of(words, i).stride} * kAlignment * (slices - 1);
      buffer.bytes = std::max(buffer.all_slices, buffer.bytes ? last + buffer.bytes : 0);
      buffer.instances = 1;
    }
    buffer.stride = pages(buffer.bytes) + kPage;
  }
  return buffers;
}

GuardedProgram::Cost GuardedProgram::cost(const std::vector<int32_t>& words, int32_t batch, int32_t threads) {
  Cost cost = {0, 0};
  for (const Buffer& buffer : measure(words, batch, threads, &cost.operations)) {
    int64_t bytes;
    if (__builtin_mul_overflow(buffer.stride, buffer.instances, &bytes) ||
        __builtin_add_overflow(cost.bytes, bytes, &cost.bytes))
      return {INT64_MAX, INT64_MAX};
  }
  return cost;
}

GuardedProgram::GuardedProgram(std::vector<int32_t> words, int32_t batch, int32_t threads, Flush flush)
    : words_(std::move(words)), batch_(batch) {
  int64_t operations = 0;
  buffers_ = measure(words_, batch, threads, &operations);
  header_of(words_).threads = threads;
  header_of(words_).kiloflops = INT32_MAX;  // worth every thread
  for (size_t i = 0; i < buffers_.size(); ++i) {
    map(buffers_[i], flush);
    blocks_.push_back({buffers_[i].data, buffers_[i].bytes});
    auto& record = *reinterpret_cast<ProgramBuffer*>(words_.data() + kHeaderWords + i * kBufferWords);
    record.block = static_cast<int32_t>(i);
    record.offset = 0;
    if (record.kind != 0 && !buffers_[i].all_slices)
      record.stride = static_cast<int32_t>(buffers_[i].stride / kAlignment);
  }
}

GuardedProgram::~GuardedProgram() {
  for (const Buffer& buffer : buffers_) munmap(buffer.mapping, buffer.mapped);
}

// A forbidden page, then each instance with a forbidden page behind it.
void GuardedProgram::map(Buffer& buffer, Flush flush) {
  const int64_t whole = pages(buffer.bytes);
  buffer.mapped = kPage + buffer.stride * std::max<int64_t>(buffer.instances, 1);
  void* mapping = mmap(nullptr, buffer.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) {
    std::perror("mmap");
    std::abort();
  }
  buffer.mapping = static_cast<unsigned char*>(mapping);
  const int64_t spare = (whole - buffer.bytes) / buffer.alignment * buffer.alignment;
  buffer.data = buffer.mapping + kPage + (flush == Flush::back ? spare : 0);
  for (int64_t i = 0; whole && i < buffer.instances; ++i) {
    mprotect(buffer.mapping + kPage + i * buffer.stride, whole, PROT_READ | PROT_WRITE);
  }
}

// Floats in (-1, 1), or labels; the last bytes of a buffer of bytes are any.
void GuardedProgram::fill(const Buffer& buffer, uint32_t seed) {
  uint32_t state = seed * 2654435761u + 1;
  for (int64_t instance = 0; instance < buffer.instances; ++instance) {
    unsigned char* data = buffer.data + instance * buffer.stride;
    for (int64_t at = 0; at < buffer.bytes; at += 4) {
      state = state * 1664525u + 1013904223u;
      const float value = static_cast<float>(static_cast<int32_t>(state >> 8) - (1 << 23)) / (1 << 23);
      const int32_t label = static_cast<int32_t>((state >> 8) % static_cast<uint32_t>(buffer.classes + 1));
      std::memcpy(data + at, buffer.classes ? static_cast<const void*>(&label) : &value,
                  std::min<int64_t>(4, buffer.bytes - at));
    }
  }
}

uint64_t GuardedProgram::run(const Run& run, uint32_t stale) {
  for (size_t i = 0; i < buffers_.size(); ++i) {
    Buffer& buffer = buffers_[i];
    if (!buffer.bytes) continue;
    mprotect(buffer.mapping + kPage, buffer.mapped - 2 * kPage, PROT_READ | PROT_WRITE);
    fill(buffer, static_cast<uint32_t>(i) + (buffer.read_first ? 0 : stale));
    for (int64_t instance = 0; instance < buffer.instances; ++instance) {
      unsigned char* at = buffer.mapping + kPage + instance * buffer.stride;
      mprotect(at, pages(buffer.bytes), PROT_READ | (buffer.written ? PROT_WRITE : 0));
      mprotect(at + pages(buffer.bytes), buffer.stride - pages(buffer.bytes), PROT_NONE);
    }
  }
  run(words_.data(), blocks_.data(), batch_);
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = buffers_[i];
    if (static_cast<BufferKind>(record_of(words_, int(i)).kind) == BufferKind::thread) continue;
    for (int64_t at = 0; at < buffer.bytes * buffer.instances; at += 4) {
      const int64_t instance = at / buffer.bytes, within = at % buffer.bytes;
      float value = 0;
      std::memcpy(&value, buffer.data + instance * buffer.stride + within,
                  std::min<int64_t>(4, buffer.bytes - within));
      uint32_t bits = 0;
      if (value == value) std::memcpy(&bits, &value, 4);  // of NaN sign and payload are nobody's promise
      hash = (hash ^ bits) * 1099511628211u;
    }
  }
  return hash;
}

bool read_program(const int32_t* input, int64_t count, std::vector<int32_t>& words, Message& why) {
  constexpr int32_t kMostBlocks = 64;
  const int32_t block_count = count ? input[0] : 0;
  if (block_count < 1 || block_count > kMostBlocks || count < 1 + block_count) {
    why << "[input] names " << block_count << " blocks in " << count << " words";
    return false;
  }
  std::vector<Block> blocks;
  for (int32_t i = 0; i < block_count; ++i) {
    blocks.push_back({nullptr, int64_t{std::max(input[1 + i], 0)} * kAlignment});
  }
  words.assign(input + 1 + block_count, input + count);
  return program_check(words.data(), static_cast<int64_t>(words.size()), blocks.data(), block_count, why);
}

}  // namespace twill
