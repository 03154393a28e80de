#include "multi_backend/lb_policy/strategies/round_robin/round_robin.h"

#include <map>

#include "gtest/gtest.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using testing::ListedStrategy;
using testing::StrategyMembers;

constexpr StrategyKind kKind = StrategyKind::kRoundRobin;

TEST(RoundRobinTest, GoesThroughTheListInOrderAgainAndAgain) {
  for (const size_t size : {1, 2, 3, 10, 100}) {
    StrategyMembers members = StrategyMembers::Equal(size);
    ListedStrategy strategy = members.Make(kKind);
    size_t last = strategy.Pick();
    for (size_t i = 0; i < 5 * size; ++i) {
      const size_t next = strategy.Pick();
      ASSERT_EQ(next, (last + 1) % size);
      last = next;
    }
  }
}

TEST(RoundRobinTest, StartsAnywhere) {
  StrategyMembers members = StrategyMembers::Equal(5);
  std::map<size_t, int> starts;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    ++starts[members.Make(kKind, members.Everybody(), seed).Pick()];
  }
  EXPECT_EQ(starts.size(), 5u);
}

struct UpdateCase {
  const char* name;
  std::vector<size_t> list;  // Replaces {0, 1, 2, 3, 4}.
  // Element i is the first pick from `list` if the last pick before was i.
  std::vector<size_t> next;
};

const UpdateCase kUpdateCases[] = {
    {"AnUnchangedListGoesOn", {0, 1, 2, 3, 4}, {1, 2, 3, 4, 0}},
    {"OneThatLeftIsPassed", {0, 1, 3, 4}, {1, 3, 3, 4, 0}},
    {"OneThatJoinsAtTheEndWaits", {0, 1, 2, 3, 4, 5}, {1, 2, 3, 4, 0}},
    {"OneThatJoinsInFrontWaits", {5, 0, 1, 2, 3, 4}, {1, 2, 3, 4, 0}},
    {"AnotherOrderGoesOnWithTheSame", {4, 3, 2, 1, 0}, {1, 2, 3, 4, 0}},
    {"OnlyOneStays", {2}, {2, 2, 2, 2, 2}},
};

TEST(RoundRobinTest, AnUpdateGoesOnWhereTheOldListWas) {
  for (const UpdateCase& c : kUpdateCases) {
    SCOPED_TRACE(c.name);
    StrategyMembers members = StrategyMembers::Equal(6);
    for (size_t last = 0; last < 5; ++last) {
      ListedStrategy strategy = members.Make(kKind, {0, 1, 2, 3, 4});
      while (strategy.Pick() != last) {
      }
      ListedStrategy updated = members.MakeNext(strategy, c.list);
      EXPECT_EQ(updated.Pick(), c.next[last]) << "after " << last;
    }
  }
}

TEST(RoundRobinTest, AListOfStrangersStartsAnywhere) {
  StrategyMembers members = StrategyMembers::Equal(6);
  std::map<size_t, int> starts;
  ListedStrategy strategy = members.Make(kKind, {0, 1, 2});
  for (uint64_t seed = 0; seed < 100; ++seed) {
    ++starts[members.MakeNext(strategy, {3, 4, 5}, seed).Pick()];
  }
  EXPECT_EQ(starts.size(), 3u);
}

TEST(RoundRobinTest, UpdatesBetweenPicksKeepTheCycleEven) {
  StrategyMembers members = StrategyMembers::Equal(4);
  ListedStrategy strategy = members.Make(kKind);
  std::map<size_t, int> counts;
  for (int i = 0; i < 400; ++i) {
    ++counts[strategy.Pick()];
    strategy = members.MakeNext(strategy, members.Everybody(), i);
  }
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(counts[i], 100);
}

}  // namespace
}  // namespace multi_backend
