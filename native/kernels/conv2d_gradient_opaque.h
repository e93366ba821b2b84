// TWILL_OPAQUE(pointer): from here on the compiler knows nothing of how the pointer came to be.
//
// Blocks of R rows x V vectors are addressed by one pointer that moves from row to row, constants apart. GCC instead
// computes all R * V addresses before the loop, runs out of registers and reloads them from the stack.
#pragma once

#if defined(__x86_64__)
#define TWILL_OPAQUE(pointer) asm("" : "+r"(pointer))
#else
#define TWILL_OPAQUE(pointer)
#endif
