// Exponentials, and what layers make of them, of a vector of floats: the same code on every instruction set,
// so that the bits depend on whether it fuses, and on nothing else. Over all floats errors are below 3 units
// in the last place of the result, denormal ones included, below 5 for the logistic's slope and below 8 for
// the normal distribution (test/ops/activation.test.ts holds the layers to that). NaN goes through,
// infinities give the limit.
//
// Polynomials are least maximum error fits of this file's own; what they approximate stands beside them.
#pragma once

#include "words.h"

namespace twill {
namespace simd {
namespace {

// c[0] + c[1] x + ... + c[count - 1] x^(count - 1)
template <int kCount>
TWILL_INLINE Vec polynomial(const float (&c)[kCount], Vec x) {
  Vec sum = broadcast(c[kCount - 1]);
  for (int k = kCount - 2; k >= 0; --k) sum = fma(sum, x, broadcast(c[k]));
  return sum;
}

// e^x = 2^n (1 + excess), |excess| <= 0.42, for -104 <= x <= 88.
struct Exponential {
  Vec excess;
  Words n;  // in the low nine bits

  TWILL_INLINE explicit Exponential(Vec x) {
    // Added to 1.5 * 2^23 a float is rounded to a whole number, which its low bits then hold.
    const Vec rounder = broadcast(0x1.8p23f);
    const Vec shifted = fma(x, broadcast(0x1.715476p0f), rounder);
    const Vec count = sub(shifted, rounder);
    // ln 2 in two parts, the first of so few bits that its product is exact.
    Vec r = fma(count, broadcast(-0x1.63p-1f), x);
    r = fma(count, broadcast(0x1.bd0106p-13f), r);
    // (e^r - 1 - r) / r^2
    static constexpr float kSeries[] = {0.49999994f, 0.16666521f, 0.04166839f, 0.008368745f, 0.0013814539f};
    excess = fma(mul(r, r), polynomial(kSeries, r), r);
    n = words_of(shifted);
  }

  // e^x - 1, precise near 0, for -87 <= x <= 88.
  TWILL_INLINE Vec less_one() const {
    const Vec whole = power(n);
    return fma(whole, excess, sub(whole, broadcast(1.0f)));
  }

  // 2^k of the low bits of k, -126 <= k <= 127.
  static TWILL_INLINE Vec power(Words k) { return floats_of((k + 127) << 23); }
};

// e^x for x <= 0, in two factors where it is denormal.
TWILL_INLINE Vec exp_of_negative(Vec x) {
  const Exponential e(max(broadcast(-104.0f), x));
  const SignedWords n = reinterpret_cast<SignedWords>(e.n << 23) >> 23;
  const Words half = reinterpret_cast<Words>(n >> 1);
  const Vec scaled = mul(add(e.excess, broadcast(1.0f)), Exponential::power(half));
  return mul(scaled, Exponential::power(e.n - half));
}

// (e^2x - 1) / (e^2x + 1)
TWILL_INLINE Vec tanh(Vec x) {
  const Vec e = Exponential(min(broadcast(20.0f), mul(broadcast(2.0f), magnitude(x)))).less_one();
  return with_sign(div(e, add(e, broadcast(2.0f))), x);
}

// e^x - 1 for x <= 0.
TWILL_INLINE Vec exp_of_negative_less_one(Vec x) {
  return with_sign(Exponential(max(broadcast(-20.0f), x)).less_one(), x);
}

// 1 / (1 + e^-x) and its derivative, precise on both sides; e^-|x| is what they are made of.
struct Logistic {
  Vec value, slope, e;

  TWILL_INLINE explicit Logistic(Vec x) {
    e = exp_of_negative(negative(x));
    const Vec larger = div(broadcast(1.0f), add(broadcast(1.0f), e));
    const Vec smaller = mul(e, larger);
    value = select(gt(zero(), x), smaller, larger);
    slope = mul(smaller, larger);
  }
};

// The standard normal distribution: the probability of at most x, and the density.
struct Normal {
  Vec probability, density;

  TWILL_INLINE explicit Normal(Vec x) {
    const Vec t = min(broadcast(15.0f), magnitude(x));
    const Vec square = mul(t, t);
    const Vec half = broadcast(-0.5f);
    const Vec e = exp_of_negative(mul(half, square));
    // What rounding took off the square counts where it is large.
    const Vec bell = fma(mul(half, rounded_off(t, square)), e, e);
    // The tail beyond t is the bell times what falls like 1 / t: u = 1 / (1 + 0.3 t) times a polynomial in
    // 1 - u that approximates erfc(t / sqrt 2) / 2 e^(t^2 / 2) / u.
    static constexpr float kTail[] = {0.5f,         -0.82980716f, 0.61814517f, -0.081019394f, -0.1397349f,
                                      0.023372855f, 0.010096455f, 0.07119823f, -0.073193155f, 0.020628661f};
    const Vec distance = mul(broadcast(0.3f), t);
    const Vec u = div(broadcast(1.0f), add(broadcast(1.0f), distance));
    const Vec tail = mul(bell, mul(u, polynomial(kTail, mul(distance, u))));
    probability = select(gt(zero(), x), tail, sub(broadcast(1.0f), tail));
    density = mul(bell, broadcast(0.3989422804f));
  }

 private:
  // t^2 - square, to the bit; without a fused operation by halves of which all products are exact.
  static TWILL_INLINE Vec rounded_off(Vec t, Vec square) {
    const Vec negative_square = sub(zero(), square);
    if (kFused) return fma(t, t, negative_square);
    const Vec high = floats_of(words_of(t) & 0xFFFFF000u);
    const Vec low = sub(t, high);
    const Vec most = add(mul(high, high), negative_square);
    return add(add(most, mul(add(high, high), low)), mul(low, low));
  }
};

// ln(1 + e) for 0 <= e <= 1: with s = e / (2 + e) it is 2 artanh s.
TWILL_INLINE Vec log_of_one_plus(Vec e) {
  const Vec s = div(e, add(e, broadcast(2.0f)));
  const Vec square = mul(s, s);
  // (2 artanh s - 2 s) / s^3
  static constexpr float kSeries[] = {0.6666641f, 0.40021706f, 0.27999014f, 0.2802514f};
  return fma(mul(s, square), polynomial(kSeries, square), add(s, s));
}

}  // namespace
}  // namespace simd
}  // namespace twill
