// The WebAssembly binding: what src/backend/wasm_module.ts sees of the runtime.
//
// There is no allocator inside. The loader hands out the memory above __heap_base, and writes programs and
// blocks there itself.
#include <cstddef>

#include "../native/kernels/kernels.h"
#include "../native/runtime/program.h"
#include "../native/runtime/signature.h"
#include "../native/simd/simd.h"
#ifdef TWILL_THREADS
#include "team.h"
#endif

#define TWILL_EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace twill {

using TWILL_ISA::kernel_table;

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

// Threads that a run is worth, of so many.
TWILL_EXPORT(team) int32_t team(const int32_t* words, int32_t batch, int32_t threads) {
  return program_team(words, batch, threads);
}

// a * b + c as kernels compute it: whether it is rounded once is for the engine to say.
TWILL_EXPORT(multiply_add) float multiply_add(float a, float b, float c) { return simd::fma(a, b, c); }

TWILL_EXPORT(run) void run(const int32_t* words, const Block* blocks, int32_t batch) {
  program_run(kernel_table, words, blocks, batch, 1);
}

#ifdef TWILL_THREADS

TWILL_EXPORT(run_in_team)
void run_in_team(const int32_t* words, const Block* blocks, int32_t batch, int32_t threads,
                 int32_t may_block) {
  team_run(kernel_table, words, blocks, batch, threads, may_block != 0);
}

TWILL_EXPORT(submit)
void submit(const int32_t* words, const Block* blocks, int32_t batch, int32_t threads) {
  team_submit(words, blocks, batch, threads);
}

TWILL_EXPORT(finish) void finish(int32_t may_block) { team_finish(may_block != 0); }

TWILL_EXPORT(await_members) int32_t await_members(int32_t members, double milliseconds) {
  return team_await(members, static_cast<int64_t>(milliseconds * 1e6));
}

TWILL_EXPORT(abandon) void abandon() { team_abandon(); }

TWILL_EXPORT(abandoned) int32_t abandoned() { return team_abandoned(); }

TWILL_EXPORT(join) void join() { team_join(); }

TWILL_EXPORT(serve) void serve(int32_t thread) { team_serve(kernel_table, thread); }

#endif

}  // namespace twill
