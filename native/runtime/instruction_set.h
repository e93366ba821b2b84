// Which builds of the kernels there are, and which of them this machine can run.
#pragma once

#include "program.h"

namespace twill {

struct InstructionSet {
  const char* name;
  const Kernel* kernels;  // in the order of kernels.inc
  bool (*supported)();    // by processor and operating system
};

// Best first.
extern const InstructionSet kInstructionSets[];
extern const int kInstructionSetCount;

// The best that this machine supports, or `wanted` (not null or empty) where it does. Null with the reason in
// `why` where `wanted` is unknown or not supported.
const InstructionSet* choose_instruction_set(const char* wanted, Message& why);

}  // namespace twill
