// BucketOf(): the bucket of a latency.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_BUCKET_OF_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_BUCKET_OF_H_

#include <cstddef>
#include <cstdint>

#include "absl/numeric/bits.h"
#include "multi_backend/observability/metrics/latency_buckets.h"

namespace multi_backend {

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

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_BUCKET_OF_H_
