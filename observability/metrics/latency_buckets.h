// The buckets of the latency histograms: 17 of the 41 boundaries of gRFC A66.
//
// All 41 would make each series of a backend twice as large.  The 17 are dense
// where calls within a data center are, and reach to the usual deadlines.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_LATENCY_BUCKETS_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_LATENCY_BUCKETS_H_

#include <array>
#include <cstddef>
#include <cstdint>

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
inline constexpr std::array<double, kBoundaries> kBoundarySeconds = [] {
  std::array<double, kBoundaries> seconds = {};
  for (size_t i = 0; i < kBoundaries; ++i) {
    seconds[i] = static_cast<double>(kBoundaryNanos[i]) / 1e9;
  }
  return seconds;
}();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_LATENCY_BUCKETS_H_
