#include "multi_backend/lb_policy/strategies/weighted/weighted.h"

#include <algorithm>
#include <map>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/tests/testing/strategy_members.h"
#include "multi_backend/tests/testing/window_fairness.h"

namespace multi_backend {
namespace {

using testing::ListedStrategy;
using testing::RequestThatTried;
using testing::StrategyMembers;
using testing::WorstPairError;
using testing::WorstWindowError;

constexpr StrategyKind kKind = StrategyKind::kWeighted;

uint32_t Sum(const std::vector<uint32_t>& weights) {
  uint32_t sum = 0;
  for (const uint32_t weight : weights) sum += weight;
  return sum;
}

std::vector<size_t> PickMany(ListedStrategy& strategy, size_t count) {
  std::vector<size_t> picks;
  for (size_t i = 0; i < count; ++i) picks.push_back(strategy.Pick());
  return picks;
}

// Tries every vector of up to four weights from 0 to 5, with three seeds.
TEST(WeightedTest, EveryWindowOfEverySmallWeightVectorIsInProportion) {
  for (size_t size = 1; size <= 4; ++size) {
    size_t vectors = 1;
    for (size_t i = 0; i < size; ++i) vectors *= 6;
    for (size_t code = 1; code < vectors; ++code) {
      std::vector<uint32_t> weights;
      for (size_t i = 0, rest = code; i < size; ++i, rest /= 6) {
        weights.push_back(rest % 6);
      }
      StrategyMembers members(weights);
      for (uint64_t seed = 1; seed <= 3; ++seed) {
        ListedStrategy strategy =
            members.Make(kKind, members.Everybody(), seed);
        const auto picks = PickMany(strategy, 3 * Sum(weights));
        ASSERT_LE(WorstWindowError(picks, weights), 1)
            << ::testing::PrintToString(weights) << " seed " << seed;
        ASSERT_LE(WorstPairError(picks, weights), 1 + 1e-9)
            << ::testing::PrintToString(weights) << " seed " << seed;
      }
    }
  }
}

struct WeightsCase {
  const char* name;
  std::vector<uint32_t> weights;
};

std::vector<uint32_t> Ascending(uint32_t count, uint32_t from) {
  std::vector<uint32_t> weights;
  for (uint32_t i = 0; i < count; ++i) weights.push_back(from + i);
  return weights;
}

std::vector<uint32_t> HeavyAmongLight(uint32_t heavy, uint32_t light) {
  std::vector<uint32_t> weights(light, 1);
  weights.push_back(heavy);
  return weights;
}

const WeightsCase kWeightsCases[] = {
    {"OneHeavyAmongManyLight", HeavyAmongLight(1000, 1000)},
    {"ManyDistinct", Ascending(300, 1)},
    {"NearlyEqual", Ascending(100, 1000)},
    {"Defaults", {1000, 1000, 1000, 3000}},
    {"CoPrime", {997, 991, 3, 2}},
    {"Extreme", {1, 1u << 17}},
};

TEST(WeightedTest, NoWindowOfSumPicksIsOffByMoreThanThree) {
  for (const WeightsCase& c : kWeightsCases) {
    SCOPED_TRACE(c.name);
    StrategyMembers members(c.weights);
    ListedStrategy strategy = members.Make(kKind);
    EXPECT_LE(WorstWindowError(PickMany(strategy, 2 * Sum(c.weights) + 100),
                               c.weights),
              3);
  }
}

TEST(WeightedTest, LightMembersDoNotComeInBursts) {
  StrategyMembers members(HeavyAmongLight(1000, 1000));
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    ListedStrategy strategy = members.Make(kKind, members.Everybody(), seed);
    size_t light_in_a_row = 0;
    for (int i = 0; i < 4000; ++i) {
      light_in_a_row = strategy.Pick() == 1000 ? 0 : light_in_a_row + 1;
      ASSERT_LE(light_in_a_row, 3u);
    }
  }
}

TEST(WeightedTest, EqualWeightsGiveAnEvenCycle) {
  StrategyMembers members = StrategyMembers::Equal(7);
  ListedStrategy strategy = members.Make(kKind);
  const auto picks = PickMany(strategy, 70);
  for (size_t i = 7; i < picks.size(); ++i) EXPECT_EQ(picks[i], picks[i - 7]);
  EXPECT_EQ(WorstWindowError(picks, std::vector<uint32_t>(7, 1)), 0);
}

TEST(WeightedTest, SuccessionAfterEveryPickDoesNotDisturbTheRotation) {
  const std::vector<uint32_t> weights = {5, 1, 3, 3, 8};
  StrategyMembers members(weights);
  ListedStrategy strategy = members.Make(kKind);
  std::vector<size_t> picks;
  for (int i = 0; i < 400; ++i) {
    picks.push_back(strategy.Pick());
    strategy = members.MakeNext(strategy, members.Everybody(), i);
  }
  EXPECT_LE(WorstWindowError(picks, weights), 1);
}

TEST(WeightedTest, AChangeOfOneWeightTakesEffectWithoutAReset) {
  for (uint32_t picks_before = 0; picks_before < 40; ++picks_before) {
    StrategyMembers members({4, 4, 8});
    ListedStrategy strategy = members.Make(kKind);
    PickMany(strategy, picks_before);
    members[0].weight = 12;
    strategy = members.MakeNext(strategy, members.Everybody());
    const std::vector<uint32_t> weights = {12, 4, 8};
    const auto picks = PickMany(strategy, 240);
    ASSERT_LE(WorstWindowError(picks, weights), 1) << picks_before;
    ASSERT_LE(WorstPairError(picks, weights), 1 + 1e-9) << picks_before;
  }
}

TEST(WeightedTest, AMemberThatJoinsGetsNoBurstAndOneThatDrainsNothing) {
  StrategyMembers members(std::vector<uint32_t>{6, 6, 6, 6});
  ListedStrategy strategy = members.Make(kKind, {0, 1, 2});
  PickMany(strategy, 100);
  strategy = members.MakeNext(strategy, {0, 1, 2, 3});
  auto picks = PickMany(strategy, 24);
  EXPECT_EQ(std::count(picks.begin(), picks.end(), 3u), 6);
  members[0].weight = 0;
  strategy = members.MakeNext(strategy, {0, 1, 2, 3});
  picks = PickMany(strategy, 24);
  EXPECT_EQ(std::count(picks.begin(), picks.end(), 0u), 0);
}

TEST(WeightedTest, RetriesElsewhereLeaveTheSharesOfFirstAttemptsAlone) {
  const std::vector<uint32_t> weights = {1, 2, 3, 4};
  StrategyMembers members(weights);
  ListedStrategy strategy = members.Make(kKind);
  FastRandom random(3);
  std::vector<size_t> all;
  for (int i = 0; i < 2000; ++i) {
    const size_t first = strategy.Pick();
    all.push_back(first);
    if (random.Below(4) > 0) continue;
    const size_t second = strategy.Pick(RequestThatTried(members, {first}));
    ASSERT_NE(second, first);
    all.push_back(second);
  }
  // A skipped member is at most one turn late, so windows stay in proportion.
  EXPECT_LE(WorstWindowError(all, weights), 3);
}

TEST(WeightedTest, AMemberThatComesBackDoesNotBurst) {
  for (const uint32_t heavy : {1u, 6u, 600u}) {
    const std::vector<uint32_t> weights = {heavy, 6, 6};
    StrategyMembers members(weights);
    ListedStrategy strategy = members.Make(kKind);
    PickMany(strategy, 50);
    members.SetUsable(0, false);
    const auto meanwhile = PickMany(strategy, 500);
    EXPECT_LE(
        WorstPairError({meanwhile.begin(), meanwhile.begin() + 100}, {0, 6, 6}),
        1 + 1e-9);
    members.SetUsable(0, true);
    EXPECT_LE(WorstWindowError(PickMany(strategy, 3 * Sum(weights)), weights),
              2)
        << heavy;
  }
}

TEST(WeightedTest, SurvivesRetriesOnlyThatNeverTakeTheSameMember) {
  StrategyMembers members({1, 100000});
  ListedStrategy strategy = members.Make(kKind);
  const PickRequest request = RequestThatTried(members, {0});
  for (int i = 0; i < 300000; ++i) ASSERT_EQ(strategy.Pick(request), 1u);
  // It lost the turns of that time, so it gets only its usual share.
  size_t light = 0;
  for (int i = 0; i < 300000; ++i) light += strategy.Pick() == 0;
  EXPECT_GE(light, 2u);
  EXPECT_LE(light, 5u);
}

// Each of 4,000 clients makes its first pick.  Each member should get 1,000;
// sigma is 27, and the test allows 6.  The seeds are fixed.
TEST(WeightedTest, ManyClientsDoNotAllStartWithTheSameMember) {
  StrategyMembers members = StrategyMembers::Equal(4);
  std::map<size_t, int> counts;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    ++counts[members.Make(kKind, members.Everybody(), Mix64(seed)).Pick()];
  }
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(counts[i], 1000, 165);
}

}  // namespace
}  // namespace multi_backend
