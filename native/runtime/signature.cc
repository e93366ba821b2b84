#include "signature.h"

#include "../kernels/kernels.h"

namespace twill {

const char* domain_name(Domain domain) {
  return domain == Domain::images ? "images" : domain == Domain::rows ? "rows" : "elements";
}

const KernelSignature kSignatures[] = {
#define TWILL_KERNEL(name, domain, Params, operands) \
  {#name, Domain::domain, sizeof(Params) / sizeof(int32_t), Params::names(), operands},
#include "../kernels/kernels.inc"
#undef TWILL_KERNEL
};

const int32_t kKernelCount = sizeof(kSignatures) / sizeof(kSignatures[0]);

bool next_operand(const char*& text, OperandSignature& operand) {
  while (*text == ' ') ++text;
  if (!*text) return false;
  operand.name = text;
  while (*text != ':' && *text != '?') ++text;
  operand.name_length = static_cast<int>(text - operand.name);
  operand.optional = *text == '?';
  if (operand.optional) ++text;
  operand.access = text[1];
  text += 2;
  return true;
}

}  // namespace twill
