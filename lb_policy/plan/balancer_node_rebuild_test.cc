// Tests that a balancer tree keeps its positions when it is rebuilt.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/plan/balancer_node.h"
#include "multi_backend/tests/testing/balancer_trees.h"
#include "multi_backend/tests/testing/strategy_members.h"
#include "multi_backend/tests/testing/window_fairness.h"

namespace multi_backend {
namespace {

using testing::Backends;
using testing::kAllKinds;
using testing::kShapes;
using testing::Leaf;
using testing::PickMany;
using testing::RequestWithKey;
using testing::Shape;
using testing::TwoZones;
using testing::WorstWindowError;

// --- Positions over a rebuild -----------------------------------------------

TEST(RebuildTest, RoundRobinGoesOnWhereItWas) {
  Backends backends({{"eu"}, {"eu"}, {"eu"}, {"us"}, {"us"}});
  for (const BalancerConfig& config :
       {Leaf(StrategyKind::kRoundRobin),
        TwoZones(StrategyKind::kRoundRobin, StrategyKind::kRoundRobin)}) {
    const auto undisturbed = backends.Make(config);
    const auto expected = PickMany(*undisturbed, 200);
    auto node = backends.Make(config);
    std::vector<size_t> picks;
    for (uint64_t i = 0; i < 200; ++i) {
      picks.push_back(node->Pick(PickRequest()).entry());
      node = backends.Make(config, node.get(), /*seed=*/i);
    }
    EXPECT_EQ(picks, expected);
  }
}

TEST(RebuildTest, RoundRobinGoesOnBesideThoseThatComeAndGo) {
  Backends backends({{"eu"}, {"eu"}, {"eu"}, {"eu"}});
  const BalancerConfig config = Leaf(StrategyKind::kRoundRobin);
  for (size_t before = 0; before < 4; ++before) {
    for (size_t gone = 0; gone < 4; ++gone) {
      auto node = backends.Make(config);
      size_t last = PickMany(*node, before + 1).back();
      backends[gone].link = LinkState::kFailed;
      node = backends.Make(config, node.get());
      size_t next = (last + 1) % 4;
      if (next == gone) next = (next + 1) % 4;
      EXPECT_EQ(node->Pick(PickRequest()).entry(), next);
      backends[gone].link = LinkState::kReady;
      node = backends.Make(config, node.get());
      // A backend that is back gets its turn at its place in the list, unless
      // the pick before it was already fixed.
      size_t after = (next + 1) % 4;
      if (after == gone) after = (after + 1) % 4;
      EXPECT_EQ(node->Pick(PickRequest()).entry(), after);
    }
  }
}

TEST(RebuildTest, WeightedKeepsItsWindowsWhenNothingChanges) {
  Backends backends({{"eu", 1}, {"eu", 2}, {"eu", 3}, {"us", 4}, {"us", 7}});
  struct Row {
    BalancerConfig config;
    int64_t worst;
  };
  // The errors of two levels add up.
  const Row rows[] = {
      {Leaf(StrategyKind::kWeighted), 1},
      {TwoZones(StrategyKind::kWeighted, StrategyKind::kWeighted), 2},
  };
  for (const Row& row : rows) {
    for (const size_t every : {1, 2, 3, 17}) {
      auto node = backends.Make(row.config);
      std::vector<size_t> picks;
      for (uint64_t i = 0; i < 600; ++i) {
        picks.push_back(node->Pick(PickRequest()).entry());
        if (i % every == 0) {
          node = backends.Make(row.config, node.get(), /*seed=*/i);
        }
      }
      EXPECT_LE(WorstWindowError(picks, {1, 2, 3, 4, 7}), row.worst)
          << "rebuilt every " << every;
    }
  }
}

std::vector<double> Shares(Backends& backends) {
  double sum = 0;
  for (size_t i = 0; i < backends.size(); ++i) {
    sum += backends[i].endpoint->weight;
  }
  std::vector<double> shares;
  for (size_t i = 0; i < backends.size(); ++i) {
    shares.push_back(backends[i].endpoint->weight / sum);
  }
  return shares;
}

// Returns the largest difference, over all backends and windows, between the
// number of a backend's picks and the sum of its shares.  A backend's share of
// a pick is its weight at that time / the sum of the weights at that time.
double WorstShareError(const std::vector<size_t>& picks,
                       const std::vector<std::vector<double>>& shares) {
  double worst = 0;
  for (size_t i = 0; i < shares[0].size(); ++i) {
    double error = 0;
    double least = 0;
    double most = 0;
    for (size_t pick = 0; pick < picks.size(); ++pick) {
      error += (picks[pick] == i) - shares[pick][i];
      least = std::min(least, error);
      most = std::max(most, error);
    }
    worst = std::max(worst, most - least);
  }
  return worst;
}

// Changes each backend's weight to each other weight at each point of the
// cycle.  No backend gains or loses by the change in any window.
TEST(RebuildTest, WeightedKeepsItsWindowsWhenOneWeightChanges) {
  const BalancerConfig config = Leaf(StrategyKind::kWeighted);
  double worst = 0;
  for (size_t changed = 0; changed < 4; ++changed) {
    for (uint32_t to = 1; to <= 8; ++to) {
      for (size_t at = 0; at < 10; ++at) {
        Backends backends({{"eu", 4}, {"eu", 2}, {"eu", 3}, {"us", 1}});
        auto node = backends.Make(config);
        std::vector<size_t> picks;
        std::vector<std::vector<double>> shares;
        for (size_t i = 0; i < 80; ++i) {
          if (i == 20 + at) {
            backends.SetWeight(changed, to);
            node = backends.Make(config, node.get(), /*seed=*/2);
          }
          shares.push_back(Shares(backends));
          picks.push_back(node->Pick(PickRequest()).entry());
        }
        worst = std::max(worst, WorstShareError(picks, shares));
      }
    }
  }
  EXPECT_LE(worst, 3);
}

// Each change may cost a random backend a part of a turn, so 250 changes add up
// to a few turns of 3,000.  (If the weight changed at every single pick, one
// backend would gain 0.3 % with these weights.)
TEST(RebuildTest, WeightedKeepsSharesWhileOneWeightChangesAgainAndAgain) {
  const BalancerConfig config = Leaf(StrategyKind::kWeighted);
  Backends backends({{"eu", 4}, {"eu", 2}, {"eu", 3}, {"us", 1}});
  auto node = backends.Make(config);
  FastRandom random(12);
  std::vector<size_t> picks;
  std::vector<std::vector<double>> shares;
  for (size_t i = 0; i < 3000; ++i) {
    shares.push_back(Shares(backends));
    picks.push_back(node->Pick(PickRequest()).entry());
    if (random.Below(12) > 0) continue;
    backends.SetWeight(0, 1 + random.Below(8));
    node = backends.Make(config, node.get(), /*seed=*/i);
  }
  EXPECT_LE(WorstShareError(picks, shares), 5);
}

TEST(RebuildTest, PrimaryStaysWithItsCurrentBackendUntilTheHoldDownIsOver) {
  Backends backends({{"eu"}, {"eu"}});
  BalancerConfig config = Leaf(StrategyKind::kPrimary);
  config.hold_down = absl::Seconds(30);
  backends[0].link = LinkState::kFailed;
  auto node = backends.Make(config);
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 1u);
  backends[0].link = LinkState::kReady;
  backends.load(0).usable_since_nanos = backends.clock().NowNanos();
  node = backends.Make(config, node.get());
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 1u);
  backends.clock().Advance(absl::Seconds(29));
  node = backends.Make(config, node.get());
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 1u);
  backends.clock().Advance(absl::Seconds(1));
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 0u);
}

TEST(RebuildTest, PrimaryReturnsToAZoneOnlyAfterTheHoldDown) {
  Backends backends({{"eu"}, {"us"}});
  BalancerConfig config =
      TwoZones(StrategyKind::kPrimary, StrategyKind::kRoundRobin);
  config.hold_down = absl::Seconds(30);
  auto node = backends.Make(config);
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 0u);
  backends[0].link = LinkState::kFailed;
  node = backends.Make(config, node.get());
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 1u);
  backends[0].link = LinkState::kReady;
  node = backends.Make(config, node.get());
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 1u);
  backends.clock().Advance(absl::Seconds(29));
  node = backends.Make(config, node.get());
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 1u);
  backends.clock().Advance(absl::Seconds(1));
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 0u);
}

TEST(RebuildTest, APositionFollowsTheNameOfAMember) {
  Backends backends({{"eu"}, {"us"}});
  BalancerConfig config =
      TwoZones(StrategyKind::kPrimary, StrategyKind::kPrimary);
  config.hold_down = absl::Seconds(30);
  auto node = backends.Make(config);
  ASSERT_EQ(node->Pick(PickRequest()).entry(), 0u);
  // "us" is the better zone now, but it has just become usable.
  std::swap(config.members[0], config.members[1]);
  const auto us = node->Pick(backends.ThatTried({0})).leaf->load_path();
  backends.clock().Advance(absl::Seconds(1));
  us->front()->usable_since_nanos = backends.clock().NowNanos();
  node = backends.Make(config, node.get());
  EXPECT_EQ(node->Pick(PickRequest()).entry(), 0u);
}

TEST(RebuildTest, AnyTreeCanFollowAnyOther) {
  Backends backends({{"eu"}, {"eu"}, {"us"}, {"eu"}, {"asia"}});
  std::vector<BalancerConfig> configs;
  for (const Shape& shape : kShapes) {
    for (const StrategyKind kind : kAllKinds) {
      configs.push_back(shape.make(kind, StrategyKind::kWeighted));
      configs.push_back(shape.make(StrategyKind::kSticky, kind));
    }
  }
  FastRandom random(5);
  auto node = backends.Make(configs[0]);
  for (int i = 0; i < 1000; ++i) {
    // The predecessor and its configuration are destroyed at once.
    const auto config = std::make_unique<const BalancerConfig>(
        configs[random.Below(static_cast<uint32_t>(configs.size()))]);
    node = backends.Make(*config, node.get(), i);
    ASSERT_TRUE(node->Pick(RequestWithKey(random.Next())).ok()) << i;
    ASSERT_TRUE(node->Pick(PickRequest()).ok()) << i;
  }
}

}  // namespace
}  // namespace multi_backend
