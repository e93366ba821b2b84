// What kernels.inc says about each kernel, as data.
#pragma once

#include <cstdint>

#include "../kernels/kernel.h"

namespace twill {

struct KernelSignature {
  const char* name;
  Domain domain;
  int32_t param_words;
  const char* params;    // names, a space after each: "IC IH IW "
  const char* operands;  // "x:r weight:r bias?:r y:w"
};

const char* domain_name(Domain domain);

extern const KernelSignature kSignatures[];
extern const int32_t kKernelCount;

// One operand of a signature's text.
struct OperandSignature {
  const char* name;
  int name_length;
  bool optional;
  char access;  // r, w, u, p
};

// Takes the next operand off `text` ("x:r weight:r bias?:r y:w"); false at the end.
bool next_operand(const char*& text, OperandSignature& operand);

}  // namespace twill
