#include "multi_backend/bench/peers/report/paired_ratios.h"

#include <numeric>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

// 1, 2, … n, against ones.
RatioEstimate OneTo(size_t n) {
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), 1);
  return EstimateRatio(values, std::vector<double>(n, 1));
}

TEST(PairedRatiosTest, RatiosAreTakenWithinPairs) {
  // The machine was three times as slow in the second pair.
  EXPECT_EQ(EstimateRatio({2, 6, 4}, {1, 3, 2}).median, 2);
}

TEST(PairedRatiosTest, FewPairsHaveNoInterval) {
  for (size_t n = 1; n < kFewestPairs; ++n) {
    EXPECT_FALSE(OneTo(n).interval.has_value()) << n;
  }
}

// The ranks of a published table of the sign test's intervals for 95 %.
TEST(PairedRatiosTest, TheIntervalHasTheRanksOfTheSignTest) {
  struct Row {
    size_t n;
    double low;
    double high;
  };
  for (const Row& row : std::vector<Row>{{6, 1, 6},
                                         {7, 1, 7},
                                         {8, 1, 8},
                                         {9, 2, 8},
                                         {12, 3, 10},
                                         {20, 6, 15},
                                         {25, 8, 18}}) {
    const RatioEstimate estimate = OneTo(row.n);
    ASSERT_TRUE(estimate.interval.has_value()) << row.n;
    EXPECT_EQ(estimate.interval->low, row.low) << row.n;
    EXPECT_EQ(estimate.interval->high, row.high) << row.n;
  }
}

// The coverage for 9 pairs is 0.961, so of 20,000 trials 19,219 on average
// cover the median, with a standard deviation of 27.  The bounds are 6 of them
// away: the false-alarm rate is below 1e-8.  The seed is fixed.
TEST(PairedRatiosTest, TheIntervalCoversTheMedianOfASkewedDistribution) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> ratio(0, 1);  // Its median is 1.
  int covered = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::vector<double> ours(9);
    for (double& one : ours) one = ratio(random);
    const RatioEstimate estimate =
        EstimateRatio(ours, std::vector<double>(9, 1));
    covered += estimate.interval->low <= 1 && 1 <= estimate.interval->high;
  }
  EXPECT_GT(covered, 19219 - 6 * 27);
  EXPECT_LT(covered, 19219 + 6 * 27);
}

TEST(IntervalTest, OverlapsWhenItSharesAPoint) {
  EXPECT_TRUE((Interval{1, 2}.Overlaps({2, 3})));
  EXPECT_TRUE((Interval{1, 4}.Overlaps({2, 3})));
  EXPECT_FALSE((Interval{1, 2}.Overlaps({2.1, 3})));
  EXPECT_FALSE((Interval{3, 4}.Overlaps({1, 2})));
}

}  // namespace
}  // namespace multi_backend
