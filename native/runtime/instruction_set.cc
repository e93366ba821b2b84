// Compiled without any -m flag: this code decides whether code compiled with one may run.
#include "instruction_set.h"

#include <cstring>

namespace twill {

#define TWILL_TABLE(isa)              \
  namespace isa {                     \
  extern const Kernel kernel_table[]; \
  }

#if defined(__x86_64__)

TWILL_TABLE(avx512)
TWILL_TABLE(avx2)
TWILL_TABLE(sse2)

namespace {

// __builtin_cpu_supports also asks the operating system (xgetbv) whether it saves the registers.
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("fma");
}
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool always() { return true; }

}  // namespace

const InstructionSet kInstructionSets[] = {
    {"avx512", avx512::kernel_table, has_avx512},
    {"avx2", avx2::kernel_table, has_avx2},
    {"sse2", sse2::kernel_table, always},
};

#elif defined(__aarch64__)

TWILL_TABLE(neon)

const InstructionSet kInstructionSets[] = {{"neon", neon::kernel_table, [] { return true; }}};

#else

TWILL_TABLE(scalar)

const InstructionSet kInstructionSets[] = {{"scalar", scalar::kernel_table, [] { return true; }}};

#endif

#undef TWILL_TABLE

const int kInstructionSetCount = sizeof(kInstructionSets) / sizeof(kInstructionSets[0]);

const InstructionSet* choose_instruction_set(const char* wanted, Message& why) {
  const bool any = !wanted || !*wanted;
  for (int i = 0; i < kInstructionSetCount; ++i) {
    const InstructionSet& isa = kInstructionSets[i];
    if (!any && std::strcmp(wanted, isa.name) != 0) continue;
    if (isa.supported()) return &isa;
    if (!any) {
      why << "isa '" << wanted << "' asks for instructions that this processor does not have";
      return nullptr;
    }
  }
  why << "isa '" << wanted << "' is none of";
  for (int i = 0; i < kInstructionSetCount; ++i) why << (i ? ", " : " ") << kInstructionSets[i].name;
  return nullptr;
}

}  // namespace twill
