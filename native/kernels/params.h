// How the parameters of kernels are declared: plain int32 words, listed once; struct, word count and the
// names that TypeScript packs them by are expanded from the same list. A float is the word of its bits
// (float_of). Each family of kernels has its own in params_<family>.h, so that a new one leaves the others'
// objects alone.
//
// N C H W, OC IC KH KW OH OW as everywhere. Sizes are those of one image; the batch is the run's.
#pragma once

#include <cstdint>

#define TWILL_FIELD(name) int32_t name;
#define TWILL_FIELD_NAME(name) #name " "
#define TWILL_PARAMS_STRUCT(Name, LIST)                                        \
  struct Name {                                                                \
    LIST(TWILL_FIELD)                                                          \
    static constexpr const char* names() { return LIST(TWILL_FIELD_NAME) ""; } \
  };
