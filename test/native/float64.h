// Put in front of a kernel's source it makes the very same code compute in float64, on the vector type of one
// lane: finite differences then tell a right gradient from a wrong one to seven digits. What looks at the bits
// of floats is left out: exponentials, and the hash of dropout.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

// Parameters stay the words that a program holds.
#include "../../native/kernels/kernel.h"

#define float double
