// The WebAssembly binding: what src/backend/wasm.ts sees of the runtime.
//
// There is no allocator inside. The loader hands out the memory above __heap_base, and writes programs and
// blocks there itself.
#include <cstddef>

#include "../native/runtime/program.h"
#include "../native/runtime/signature.h"

#define TWILL_EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace twill {

namespace wasm {
extern const Kernel kernel_table[];
}

// The loader writes blocks as four words: address, 0, bytes, 0.
static_assert(sizeof(Block) == 16 && offsetof(Block, data) == 0 && offsetof(Block, bytes) == 8);

TWILL_EXPORT(kernel_count) int32_t kernel_count() { return kKernelCount; }

// Parts: 0 name, 1 domain, 2 parameters, 3 operands.
TWILL_EXPORT(kernel_text) const char* kernel_text(int32_t kernel, int32_t part) {
  const KernelSignature& signature = kSignatures[kernel];
  switch (part) {
    case 0:
      return signature.name;
    case 1:
      return domain_name(signature.domain);
    case 2:
      return signature.params;
    default:
      return signature.operands;
  }
}

// Null, or what is wrong; the text stands until the next call.
TWILL_EXPORT(check)
const char* check(const int32_t* words, int32_t count, const Block* blocks, int32_t block_count) {
  static Message why;
  why = Message();
  return program_check(words, count, blocks, block_count, why) ? nullptr : why.text();
}

TWILL_EXPORT(run) void run(const int32_t* words, const Block* blocks, int32_t batch) {
  program_run(wasm::kernel_table, words, blocks, batch, 1);
}

}  // namespace twill
