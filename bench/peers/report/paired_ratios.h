// EstimateRatio(): how many times a peer's figure ours is, from figures that
// were taken in pairs, one right after the other.
//
// The two figures of a pair see nearly the same machine, so their ratio varies
// less than each of them.  The median of the ratios counts, and its interval
// comes from order statistics, as in the sign test: it assumes nothing about
// how the ratios are distributed, and it is exact for few pairs, where a
// bootstrap is too narrow.
#ifndef MULTI_BACKEND_BENCH_PEERS_REPORT_PAIRED_RATIOS_H_
#define MULTI_BACKEND_BENCH_PEERS_REPORT_PAIRED_RATIOS_H_

#include <cstddef>
#include <vector>

#include "absl/types/optional.h"

namespace multi_backend {

// With fewer pairs even the whole range covers the median less often than
// kCoverage.
constexpr size_t kFewestPairs = 6;
constexpr double kCoverage = 0.95;

struct Interval {
  double low = 0;
  double high = 0;

  bool Overlaps(const Interval& other) const {
    return low <= other.high && other.low <= high;
  }
};

struct RatioEstimate {
  double median = 0;
  // Covers the true median with a probability of at least kCoverage.  Unset
  // with fewer than kFewestPairs pairs.
  absl::optional<Interval> interval;
};

// Both vectors have the same size, which is not 0, and `peer` has no 0.
RatioEstimate EstimateRatio(const std::vector<double>& ours,
                            const std::vector<double>& peer);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_REPORT_PAIRED_RATIOS_H_
