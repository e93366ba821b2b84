#include "extents.h"
#include "program.h"
#include "signature.h"

namespace twill {
namespace {

// fixed + image * images, or the largest number where that overflows.
int64_t bytes_for(const Extent& extent, int64_t images) {
  int64_t bytes;
  if (__builtin_mul_overflow(extent.image, images, &bytes) ||
      __builtin_add_overflow(bytes, extent.fixed, &bytes)) {
    return INT64_MAX;
  }
  return bytes;
}

// Reads a program from its first word to its last; every method returns false once something was wrong.
class Checker {
 public:
  Checker(const int32_t* words, int64_t count, const Block* blocks, int64_t block_count, Message& why)
      : words_(words), count_(count), blocks_(blocks), block_count_(block_count), why_(why) {}

  bool check() {
    if (!check_header()) return false;
    for (int32_t i = 0; i < header_->buffers; ++i) {
      if (!check_buffer(i)) return false;
    }
    for (int32_t i = 0; i < header_->stages; ++i) {
      if (!check_stage(i)) return false;
    }
    if (next_ != count_) {
      why_ << "[program] " << count_ - next_ << " words follow the last stage";
      return false;
    }
    return true;
  }

 private:
  // The next `words` words, or null where the program ends before.
  const int32_t* take(int64_t words) {
    if (words > count_ - next_) {
      why_ << "[program] ends after " << count_ << " words, in the middle of a record";
      return nullptr;
    }
    const int32_t* taken = words_ + next_;
    next_ += words;
    return taken;
  }

  template <typename Record>
  const Record* take() {
    return reinterpret_cast<const Record*>(take(sizeof(Record) / sizeof(int32_t)));
  }

  bool in_range(const char* what, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return true;
    why_ << "[program] " << what << " must be from " << low << " to " << high << " but is " << value;
    return false;
  }

  bool check_header() {
    header_ = take<ProgramHeader>();
    if (!header_) return false;
    if (header_->magic != kProgramMagic) {
      why_ << "[program] begins with " << header_->magic << " and not with " << kProgramMagic;
      return false;
    }
    // Every count below is that of records still to come, which `take` bounds by the words there are.
    return in_range("the number of words", header_->words, count_, count_) &&
           in_range("the number of blocks", header_->blocks, block_count_, block_count_) &&
           in_range("the capacity", header_->capacity, 1, INT32_MAX) &&
           in_range("the number of slices", header_->max_slices, 1, INT32_MAX) &&
           in_range("the tile", header_->tile, 1, INT32_MAX) &&
           in_range("the number of threads", header_->threads, 1, INT32_MAX) &&
           in_range("the arithmetic of an image", header_->kiloflops, 0, INT32_MAX) &&
           in_range("the number of buffers", header_->buffers, 0, count_) &&
           in_range("the number of stages", header_->stages, 0, count_);
  }

  int64_t instances(const ProgramBuffer& buffer) const {
    switch (static_cast<BufferKind>(buffer.kind)) {
      case BufferKind::shared:
        return 1;
      case BufferKind::slice:
        return header_->max_slices;
      case BufferKind::thread:
        return header_->threads;
    }
    return 0;
  }

  // Units of 64 bytes from the first instance's beginning to the last one's end; below 2^62 + 2^31.
  int64_t units(const ProgramBuffer& buffer) const {
    return (instances(buffer) - 1) * buffer.stride + buffer.length;
  }

  bool check_buffer(int32_t index) {
    const ProgramBuffer* buffer = take<ProgramBuffer>();
    if (!buffer) return false;
    if (index == 0) buffers_ = buffer;
    if (!in_range("a buffer's block", buffer->block, 0, block_count_ - 1) ||
        !in_range("a buffer's kind", buffer->kind, 0, 2) ||
        !in_range("a buffer's offset", buffer->offset, 0, INT32_MAX) ||
        !in_range("a buffer's length", buffer->length, 0, INT32_MAX) ||
        !in_range("a buffer's image_bytes", buffer->image_bytes, 0, INT32_MAX)) {
      return false;
    }
    const bool several = static_cast<BufferKind>(buffer->kind) != BufferKind::shared;
    if (several && !in_range("a buffer's stride", buffer->stride, buffer->length, INT32_MAX)) return false;
    if (!several && !in_range("a shared buffer's stride", buffer->stride, 0, 0)) return false;
    const int64_t held = blocks_[buffer->block].bytes / kAlignment;
    if (buffer->offset + units(*buffer) > held) {
      why_ << "[program] buffer " << index << " ends at " << buffer->offset + units(*buffer)
           << " units of 64 bytes but its block holds " << held;
      return false;
    }
    return true;
  }

  static Domain domain_of(const ProgramStage& stage) { return static_cast<Domain>(stage.domain); }

  bool check_stage(int32_t index) {
    const ProgramStage* stage = take<ProgramStage>();
    if (!stage) return false;
    stage_ = index;
    if (!in_range("a stage's domain", stage->domain, 0, 2) ||
        !in_range("a stage's calls", stage->calls, 0, count_) ||
        !in_range("a stage's units", stage->units, 0, INT32_MAX)) {
      return false;
    }
    const bool bands = domain_of(*stage) == Domain::rows;
    if (bands && !in_range("a stage's bands", stage->units, 1, kMaxBands)) return false;
    for (int32_t i = 0; i < stage->calls; ++i) {
      if (!check_call(*stage)) return false;
    }
    return true;
  }

  bool check_call(const ProgramStage& stage) {
    const ProgramCall* call = take<ProgramCall>();
    if (!call || !in_range("a call's kernel", call->kernel, 0, kKernelCount - 1)) return false;
    const KernelSignature& kernel = kSignatures[call->kernel];
    if (call->params != kernel.param_words)
      return fail(kernel, "parameter words", kernel.param_words, call->params);
    const int32_t* params = take(call->params);
    if (!params) return false;
    const Extents extents = kernel_extents(call->kernel, params, header_->max_slices);
    if (extents.inconsistent) {
      why_ << "[" << kernel.name << "] parameter " << extents.inconsistent << " does not go with the others ("
           << kernel.params << "=";
      for (int32_t i = 0; i < call->params; ++i) why_ << " " << params[i];
      why_ << ")";
      return false;
    }
    if (call->operands != extents.count) return fail(kernel, "operands", extents.count, call->operands);
    const bool whole_images = kernel.domain == Domain::rows && domain_of(stage) == Domain::images;
    if (kernel.domain != domain_of(stage) && !whole_images) {
      why_ << "[" << kernel.name << "] is in stage " << stage_ << " of another domain";
      return false;
    }
    // `count` is the first parameter of every kernel over elements.
    if (kernel.domain == Domain::elements && params[0] != stage.units) {
      return fail(kernel, "units, as its stage has,", stage.units, params[0]);
    }
    const int32_t* bound = take(call->operands);
    return bound && check_operands(kernel, extents, bound);
  }

  bool fail(const KernelSignature& kernel, const char* what, int64_t expected, int64_t got) {
    why_ << "[" << kernel.name << "] expected " << expected << " " << what << " but got " << got;
    return false;
  }

  bool check_operands(const KernelSignature& kernel, const Extents& extents, const int32_t* bound) {
    const char* text = kernel.operands;
    OperandSignature operand;
    for (int i = 0; next_operand(text, operand); ++i) {
      if (bound[i] == -1 && operand.optional) continue;
      if (bound[i] < 0 || bound[i] >= header_->buffers) {
        return refuse(kernel, operand) << "has buffer " << bound[i] << " of " << header_->buffers, false;
      }
      if (!check_operand(kernel, operand, extents.operands[i], buffers_[bound[i]])) return false;
    }
    return true;
  }

  bool check_operand(const KernelSignature& kernel, const OperandSignature& operand, const Extent& extent,
                     const ProgramBuffer& buffer) {
    const BufferKind kind = static_cast<BufferKind>(buffer.kind);
    if (operand.access == 'p' && kind != BufferKind::slice) {
      return refuse(kernel, operand) << "holds partial sums and needs a buffer with an instance a slice",
             false;
    }
    if (kind == BufferKind::thread) {
      if (kernel.domain == Domain::elements || extent.fixed != 0) {
        return refuse(kernel, operand) << "is not by image and cannot lie in a thread's buffer", false;
      }
      if (extent.image != buffer.image_bytes) {
        return refuse(kernel, operand)
                   << "has " << extent.image << " bytes an image but its buffer's image_bytes is "
                   << buffer.image_bytes,
               false;
      }
      return enough(kernel, operand, bytes_for(extent, header_->tile), buffer.length);
    }
    if (kind == BufferKind::slice) {
      if (extent.image != 0) {
        return refuse(kernel, operand) << "is by image and cannot lie in a slice's buffer", false;
      }
      // Over elements there is no slice at hand: the operand is all instances, the first one first.
      const bool all = kernel.domain == Domain::elements;
      return enough(kernel, operand, extent.fixed, all ? units(buffer) : buffer.length);
    }
    return enough(kernel, operand, bytes_for(extent, header_->capacity), buffer.length);
  }

  bool enough(const KernelSignature& kernel, const OperandSignature& operand, int64_t need, int64_t units) {
    const int64_t unit_need = need / kAlignment + (need % kAlignment != 0);
    if (unit_need <= units) return true;
    refuse(kernel, operand) << "needs " << need << " bytes but its buffer holds " << units * kAlignment;
    return false;
  }

  Message& refuse(const KernelSignature& kernel, const OperandSignature& operand) {
    why_ << "[" << kernel.name << "] operand ";
    return why_.append_prefix(operand.name, operand.name_length) << " ";
  }

  const int32_t* words_;
  const int64_t count_;
  const Block* blocks_;
  const int64_t block_count_;
  Message& why_;
  int64_t next_ = 0;
  int32_t stage_ = 0;
  const ProgramHeader* header_ = nullptr;
  const ProgramBuffer* buffers_ = nullptr;
};

}  // namespace

bool program_check(const int32_t* words, int64_t count, const Block* blocks, int64_t block_count,
                   Message& why) {
  return Checker(words, count, blocks, block_count, why).check();
}

}  // namespace twill
