#include "multi_backend/lb_policy/strategies/random/random.h"

#include <cmath>

#include "gtest/gtest.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using testing::ListedStrategy;
using testing::RequestThatTried;
using testing::StrategyMembers;

// Feeds 2^20 evenly spaced random values to the draw and counts how often it
// returns each member.
std::vector<int64_t> CountDraws(const StrategyMembers& members) {
  const WeightedDraw draw(members.members());
  std::vector<int64_t> counts(members.size());
  // The upper half of the bits chooses the column and the lower half the side
  // of it, so the values are the centers of a grid of 1,024 x 1,024 cells.
  constexpr uint64_t kSide = 1024;
  constexpr uint64_t kCell = (uint64_t{1} << 32) / kSide;
  for (uint64_t high = 0; high < kSide; ++high) {
    for (uint64_t low = 0; low < kSide; ++low) {
      const uint64_t bits =
          ((high * kCell + kCell / 2) << 32) | (low * kCell + kCell / 2);
      ++counts[draw.DrawBits(bits)];
    }
  }
  return counts;
}

TEST(WeightedDrawTest, SharesOfAllRandomValuesAreTheWeights) {
  const std::vector<uint32_t> cases[] = {{1},
                                         {1, 1},
                                         {1, 3},
                                         {0, 1},
                                         {5, 0, 5},
                                         {1, 2, 3, 4},
                                         {1000, 1, 1, 1},
                                         {4294967295u, 4294967295u, 1},
                                         {7, 7, 7, 7, 7, 7, 7}};
  for (const auto& weights : cases) {
    StrategyMembers members(weights);
    double sum = 0;
    for (const uint32_t weight : weights) sum += weight;
    const auto counts = CountDraws(members);
    for (size_t i = 0; i < weights.size(); ++i) {
      const double share = weights[i] / sum;
      // The grid is exact to one cell for each side of each column.
      EXPECT_NEAR(static_cast<double>(counts[i]) / (1 << 20), share,
                  weights.size() / 1024.0)
          << ::testing::PrintToString(weights) << " " << i;
      if (weights[i] == 0) {
        EXPECT_EQ(counts[i], 0);
      }
    }
  }
}

// With 100,000 picks and shares of 0.1 to 0.4, sigma is at most 0.0016.  The
// test allows 6.
TEST(RandomTest, PicksInProportionToWeightAmongTheEligible) {
  StrategyMembers members({1, 2, 3, 4, 90});
  ListedStrategy strategy = members.Make(StrategyKind::kRandom);
  // With most of the weight tried, most picks end in the exact scan.
  const PickRequest request = RequestThatTried(members, {4});
  std::vector<int> counts(5);
  constexpr int kPicks = 100000;
  for (int i = 0; i < kPicks; ++i) ++counts[strategy.Pick(request)];
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(static_cast<double>(counts[i]) / kPicks, 0.1 * (i + 1), 0.0096);
  }
}

TEST(FastRandomTest, BelowIsEvenOverAllInputs) {
  // Tries all 2^16 values of the upper bits.  The lower bits change a count by
  // at most one.
  for (const uint32_t n : {1u, 2u, 3u, 10u, 1000u}) {
    std::vector<int> counts(n);
    for (uint32_t high = 0; high < 65536; ++high) {
      ++counts[ScaleBits(high << 16, n)];
    }
    for (const int count : counts) {
      EXPECT_NEAR(count, 65536.0 / n, 1) << n;
    }
  }
  EXPECT_EQ(ScaleBits(0xffffffffu, 7), 6u);
}

}  // namespace
}  // namespace multi_backend
