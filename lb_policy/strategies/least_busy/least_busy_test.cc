#include "multi_backend/lb_policy/strategies/least_busy/least_busy.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using testing::ListedStrategy;
using testing::StrategyMembers;

constexpr StrategyKind kKind = StrategyKind::kLeastBusy;

// Three members, with every combination of 0 to 3 calls and weights 1 and 2.
TEST(LeastBusyTest, UpTo32MembersTakesOneWithTheFewestCallsForItsWeight) {
  for (int code = 0; code < 8 * 8 * 8; ++code) {
    std::vector<uint32_t> weights;
    std::vector<int64_t> calls;
    for (int i = 0, rest = code; i < 3; ++i, rest /= 8) {
      weights.push_back(1 + rest % 2);
      calls.push_back(rest / 2 % 4);
    }
    StrategyMembers members(weights);
    double least = 1e9;
    for (size_t i = 0; i < 3; ++i) {
      members.SetInFlight(i, calls[i]);
      least = std::min(least, static_cast<double>(calls[i]) / weights[i]);
    }
    ListedStrategy strategy = members.Make(kKind);
    for (int pick = 0; pick < 10; ++pick) {
      const size_t picked = strategy.Pick();
      ASSERT_EQ(static_cast<double>(calls[picked]) / weights[picked], least)
          << "case " << code;
    }
  }
}

// With 60,000 picks, sigma of a share is at most 0.002.  The test allows 6.
TEST(LeastBusyTest, TiesAreSettledAtRandomInProportionToWeight) {
  StrategyMembers members({1, 2, 3, 100});
  members.SetInFlight(3, 1000);
  ListedStrategy strategy = members.Make(kKind);
  std::vector<int> counts(4);
  for (int i = 0; i < 60000; ++i) ++counts[strategy.Pick()];
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(counts[i] / 60000.0, (i + 1) / 6.0, 0.012);
  }
  EXPECT_EQ(counts[3], 0);
}

TEST(LeastBusyTest, At32MembersTheOneIdleMemberIsAlwaysFound) {
  StrategyMembers members = StrategyMembers::Equal(32);
  ListedStrategy strategy = members.Make(kKind);
  for (size_t idle = 0; idle < 32; ++idle) {
    for (size_t i = 0; i < 32; ++i) members.SetInFlight(i, i == idle ? 0 : 1);
    EXPECT_EQ(strategy.Pick(), idle);
  }
}

// Calls never end, and each goes to the better of two random members.  The
// known bound for the fullest is mean + ln ln n / ln 2 + O(1), here mean + 3.1
// + O(1).  A single random choice would exceed the mean by about 14.
TEST(LeastBusyTest, Above32MembersTwoChoicesKeepTheFullestNearTheMean) {
  constexpr size_t kSize = 1000;
  constexpr int kMean = 20;
  StrategyMembers members = StrategyMembers::Equal(kSize);
  ListedStrategy strategy = members.Make(kKind);
  for (size_t i = 0; i < kSize * kMean; ++i) {
    ++members[strategy.Pick()].load->in_flight;
  }
  int64_t fullest = 0;
  for (size_t i = 0; i < kSize; ++i) {
    fullest = std::max<int64_t>(fullest, members[i].load->in_flight);
  }
  EXPECT_LE(fullest, kMean + 4);
}

TEST(LeastBusyTest, Above32MembersCallsAreInProportionToWeight) {
  std::vector<uint32_t> weights(100, 1);
  for (size_t i = 0; i < 10; ++i) weights[i] = 10;
  StrategyMembers members(weights);
  ListedStrategy strategy = members.Make(kKind);
  for (int i = 0; i < 190 * 50; ++i) {
    ++members[strategy.Pick()].load->in_flight;
  }
  // There are 50 calls for each unit of weight, and the same bound holds.
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_NEAR(static_cast<double>(members[i].load->in_flight) / weights[i],
                50, 10)
        << i;
  }
}

}  // namespace
}  // namespace multi_backend
