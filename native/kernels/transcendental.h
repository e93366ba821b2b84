// exp and log in double, one at a time: without fused operations and of our own, so that they have the same
// bits on every instruction set. Vectors of floats have theirs in simd/math.h.
#pragma once

#include <cstdint>

namespace twill {
namespace {

inline double from_bits(uint64_t bits) {
  double value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint64_t to_bits(double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

// e^x for x <= 0 to 1e-12: x = n ln 2 + r with |r| <= ln(2)/2, where the series' next term is below 3e-13.
inline double exponential(double x) {
  constexpr double kLn2 = 0.693147180559945309417;
  if (!(x > -700.0)) return x != x ? x : 0.0;
  const int64_t n = static_cast<int64_t>(x * (1.0 / kLn2) - 0.5);
  const double r = x - static_cast<double>(n) * kLn2;
  constexpr double kInverseFactorials[] = {1.0,         1.0,          1.0 / 2,      1.0 / 6,
                                           1.0 / 24,    1.0 / 120,    1.0 / 720,    1.0 / 5040,
                                           1.0 / 40320, 1.0 / 362880, 1.0 / 3628800};
  double sum = 0.0;
  for (int k = 10; k >= 0; --k) sum = sum * r + kInverseFactorials[k];
  return sum * from_bits(static_cast<uint64_t>(n + 1023) << 52);
}

// ln x for x >= 1 to 1e-13: x = m 2^e with m in [sqrt(1/2), sqrt(2)], ln m = 2 artanh((m - 1) / (m + 1)).
inline double logarithm(double x) {
  constexpr double kLn2 = 0.693147180559945309417;
  constexpr double kSqrt2 = 1.41421356237309504880;
  if (x != x) return x;
  const uint64_t bits = to_bits(x);
  int64_t e = static_cast<int64_t>(bits >> 52) - 1023;
  double m = from_bits((bits & ((uint64_t{1} << 52) - 1)) | (uint64_t{1023} << 52));
  if (m > kSqrt2) {
    m *= 0.5;
    ++e;
  }
  const double f = (m - 1.0) / (m + 1.0);
  const double f2 = f * f;
  constexpr double kInverseOdds[] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7, 1.0 / 9,
                                     1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17};
  double sum = 0.0;
  for (int k = 8; k >= 0; --k) sum = sum * f2 + kInverseOdds[k];
  return 2.0 * f * sum + static_cast<double>(e) * kLn2;
}

}  // namespace
}  // namespace twill
