// The buckets of the latency histograms: 17 of the 41 boundaries of gRFC A66.
//
// All 41 would make each series of a backend twice as large.  The 17 are dense
// where calls within a data center are, and reach to the usual deadlines.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_LATENCY_BUCKETS_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_LATENCY_BUCKETS_H_

#include <cstddef>
#include <cstdint>

#include "absl/numeric/bits.h"

namespace multi_backend {

constexpr size_t kBoundaries = 17;
// The last bucket has no upper boundary.
constexpr size_t kBuckets = kBoundaries + 1;

// Upper boundaries, which belong to their bucket, in nanoseconds.
constexpr int64_t kBoundaryNanos[kBoundaries] = {
    100'000,       300'000,       600'000,     1'000'000,     2'000'000,
    4'000'000,     8'000'000,     16'000'000,  30'000'000,    65'000'000,
    130'000'000,   250'000'000,   500'000'000, 1'000'000'000, 2'000'000'000,
    5'000'000'000, 10'000'000'000};

// The same in seconds.
constexpr double kBoundarySeconds[kBoundaries] = {
    0.0001, 0.0003, 0.0006, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03,
    0.065,  0.13,   0.25,   0.5,   1,     2,     5,     10};

// For each number of bits, the bucket of the smallest number that has so many.
struct FirstBuckets {
  uint8_t of_bits[64] = {};

  constexpr FirstBuckets() {
    for (int bits = 1; bits < 64; ++bits) {
      const int64_t smallest = int64_t{1} << (bits - 1);
      uint8_t bucket = 0;
      while (bucket < kBoundaries && kBoundaryNanos[bucket] < smallest) {
        ++bucket;
      }
      of_bits[bits] = bucket;
    }
  }
};
inline constexpr FirstBuckets kFirstBuckets;

// The index of the bucket that `nanos`, which is not negative, belongs to.  At
// most two boundaries have the same number of bits, so this is a third of the
// instructions of a binary search.
inline size_t BucketOf(int64_t nanos) {
  size_t bucket =
      kFirstBuckets.of_bits[absl::bit_width(static_cast<uint64_t>(nanos))];
  while (bucket < kBoundaries && kBoundaryNanos[bucket] < nanos) ++bucket;
  return bucket;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_LATENCY_BUCKETS_H_
