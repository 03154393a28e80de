#include "multi_backend/bench/peers/report/paired_ratios.h"

#include <algorithm>
#include <cmath>

#include "multi_backend/bench/calls/quantiles.h"

namespace multi_backend {
namespace {

// How many of the smallest and of the largest of `n` values lie outside of the
// interval.  Each value is above the median with probability 1/2, so the number
// of values below it has a binomial distribution.
size_t ValuesOutside(size_t n) {
  double probability = std::pow(0.5, static_cast<double>(n));  // Of 0 below.
  double tail = 0;
  size_t outside = 0;
  while (2 * (tail + probability) <= 1 - kCoverage) {
    tail += probability;
    probability *= static_cast<double>(n - outside);
    probability /= static_cast<double>(outside + 1);
    ++outside;
  }
  return outside;
}

}  // namespace

RatioEstimate EstimateRatio(const std::vector<double>& ours,
                            const std::vector<double>& peer) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / peer[i]);
  std::sort(ratios.begin(), ratios.end());
  RatioEstimate estimate;
  estimate.median = Median(ratios);
  if (ratios.size() >= kFewestPairs) {
    const size_t outside = ValuesOutside(ratios.size());
    // The values at these two ranks belong to the interval.
    estimate.interval =
        Interval{ratios[outside - 1], ratios[ratios.size() - outside]};
  }
  return estimate;
}

}  // namespace multi_backend
