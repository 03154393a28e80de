// FastRandom: a small, fast generator for the random choices of picks.
//
// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
// generators", OOPSLA 2014).  Its period is 2^64, every seed is as good as any
// other, and a number costs two multiplications.  The numbers are predictable:
// do not use them for secrets.  Thread-compatible.
#ifndef MULTI_BACKEND_LB_POLICY_FAST_RANDOM_H_
#define MULTI_BACKEND_LB_POLICY_FAST_RANDOM_H_

#include <cstdint>

namespace multi_backend {

// The finalizer of SplitMix64: a bijection on 64 bits in which each input bit
// flips each output bit with a probability near one half.
constexpr uint64_t Mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Maps 32 uniform bits to [0, n) without a division (Lemire: "Fast random
// integer generation in an interval").  The probability of each value is exact
// to one part in 2^32 / n, which is enough for a balancer.  Requires n > 0.
constexpr uint32_t ScaleBits(uint32_t bits, uint32_t n) {
  return static_cast<uint32_t>((uint64_t{bits} * n) >> 32);
}

class FastRandom {
 public:
  explicit constexpr FastRandom(uint64_t seed) : state_(seed) {}

  constexpr uint64_t Next() { return Mix64(state_ += 0x9e3779b97f4a7c15u); }

  // Uniform in [0, n); n > 0.
  constexpr uint32_t Below(uint32_t n) {
    return ScaleBits(static_cast<uint32_t>(Next() >> 32), n);
  }

  // Uniform in [0, 1).
  constexpr double Fraction() {
    return static_cast<double>(Next() >> 11) * (1.0 / 9007199254740992.0);
  }

 private:
  uint64_t state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAST_RANDOM_H_
