#include "multi_backend/lb_policy/plan/balancer_node.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/peak_ewma/peak_ewma.h"
#include "multi_backend/tests/testing/balancer_trees.h"
#include "multi_backend/tests/testing/strategy_members.h"
#include "multi_backend/tests/testing/window_fairness.h"

namespace multi_backend {
namespace {

using testing::Backends;
using testing::CountPicks;
using testing::Counts;
using testing::Everything;
using testing::Inner;
using testing::kAllKinds;
using testing::kNone;
using testing::kShapes;
using testing::kShapeZones;
using testing::Leaf;
using testing::PickMany;
using testing::RequestWithKey;
using testing::Shape;
using testing::Spec;
using testing::TwoZones;
using testing::WorstWindowError;
using testing::Zone;

// --- Exclusion, in trees of every shape -------------------------------------

struct TreeCase {
  Shape shape;
  StrategyKind a;
  StrategyKind b;
};

std::vector<TreeCase> AllTrees() {
  std::vector<TreeCase> cases;
  for (const Shape& shape : kShapes) {
    for (const StrategyKind a : kAllKinds) {
      for (const StrategyKind b : kAllKinds) {
        if (shape.make(a, b).members.empty() && a != b) continue;
        cases.push_back({shape, a, b});
      }
    }
  }
  return cases;
}

class TreeTest : public ::testing::TestWithParam<TreeCase> {
 protected:
  static Backends First(size_t size) {
    std::vector<Spec> specs;
    for (size_t i = 0; i < size; ++i) specs.push_back({kShapeZones[i]});
    return Backends(specs);
  }
  static BalancerConfig Config() {
    return GetParam().shape.make(GetParam().a, GetParam().b);
  }
  static bool Holds(size_t i) {
    return GetParam().shape.zones.count(kShapeZones[i]) > 0;
  }

  // Makes some picks of `request`, with and without keys.  All must be in
  // `eligible`, and all must fail if it is empty.
  static void Check(const BalancerNode& node, PickRequest request,
                    const std::set<uint32_t>& eligible, FastRandom& random) {
    ASSERT_EQ(node.HasEligible(request), !eligible.empty());
    for (int pick = 0; pick < 6; ++pick) {
      request.has_key = pick % 2 == 1;
      request.key_hash = random.Next();
      const BalancerNode::Choice choice = node.Pick(request);
      if (eligible.empty()) {
        ASSERT_FALSE(choice.ok());
        ASSERT_EQ(choice.entry(), kNone);
      } else {
        ASSERT_EQ(eligible.count(choice.entry()), 1u) << choice.entry();
        ASSERT_NE(choice.leaf, nullptr);
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Shapes, TreeTest, ::testing::ValuesIn(AllTrees()),
                         [](const ::testing::TestParamInfo<TreeCase>& info) {
                           return absl::StrCat(info.param.shape.name, "_",
                                               StrategyName(info.param.a), "_",
                                               StrategyName(info.param.b));
                         });

// With up to five backends, tries every subset as tried backends and every
// subset of the rest as marked, with marks made between two picks of one tree.
TEST_P(TreeTest, ATriedOrMarkedBackendIsNeverPickedAnUntriedUsableOneAlways) {
  FastRandom random(1);
  for (size_t size = 0; size <= 5; ++size) {
    Backends backends = First(size);
    const auto node = backends.Make(Config());
    int cases = 1;
    for (size_t i = 0; i < size; ++i) cases *= 3;
    for (int code = 0; code < cases; ++code) {
      SCOPED_TRACE(absl::StrCat(size, " backends, case ", code));
      std::vector<size_t> tried;
      std::set<uint32_t> eligible;
      int rest = code;
      for (size_t i = 0; i < size; ++i, rest /= 3) {
        backends.Mark(i, rest % 3 != 1);
        if (rest % 3 == 2) tried.push_back(i);
        if (rest % 3 == 0 && Holds(i)) eligible.insert(i);
      }
      Check(*node, backends.ThatTried(tried), eligible, random);
      if (HasFatalFailure()) return;
    }
  }
}

// Uses each reason that keeps a backend out of the plan.  One of the remaining
// backends may have been tried.
TEST_P(TreeTest, OnlyReadyBackendsThatDoNotDrainArePicked) {
  FastRandom random(2);
  for (int code = 0; code < 5 * 5 * 5; ++code) {
    SCOPED_TRACE(absl::StrCat("case ", code));
    Backends backends = First(3);
    std::vector<size_t> tried;
    std::set<uint32_t> eligible;
    int rest = code;
    for (size_t i = 0; i < 3; ++i, rest /= 5) {
      if (rest % 5 == 0 && Holds(i)) eligible.insert(i);
      if (rest % 5 == 1) tried.push_back(i);
      if (rest % 5 == 2) backends.SetWeight(i, 0);
      if (rest % 5 == 3) backends[i].link = LinkState::kConnecting;
      if (rest % 5 == 4) backends[i].link = LinkState::kFailed;
    }
    const auto node = backends.Make(Config());
    Check(*node, backends.ThatTried(tried), eligible, random);
    if (HasFatalFailure()) return;
  }
}

TEST_P(TreeTest, ACallThatFailsEverywhereTriesEachBackendOnce) {
  FastRandom random(3);
  Backends backends = First(5);
  size_t held = 0;
  for (size_t i = 0; i < 5; ++i) held += Holds(i);
  const auto node = backends.Make(Config());
  for (int call = 0; call < 50; ++call) {
    PickRequest request;
    request.has_key = call % 2 == 1;
    request.key_hash = random.Next();
    std::set<uint32_t> tried;
    for (size_t attempt = 0; attempt < held; ++attempt) {
      ASSERT_TRUE(node->HasEligible(request));
      const auto choice = node->Pick(request);
      ASSERT_TRUE(choice.ok());
      ASSERT_TRUE(tried.insert(choice.entry()).second) << choice.entry();
      request.tried.Add(backends[choice.entry()].backend().id());
    }
    ASSERT_FALSE(node->HasEligible(request));
    ASSERT_FALSE(node->Pick(request).ok());
  }
}

// Rebuilds the tree again and again, each time with another backend missing.
TEST_P(TreeTest, SuccessorsKeepTheContractWhateverComesAndGoes) {
  FastRandom random(4);
  Backends backends = First(5);
  auto node = backends.Make(Config());
  for (int round = 0; round < 20; ++round) {
    std::set<uint32_t> eligible;
    for (size_t i = 0; i < 5; ++i) {
      const bool ready = random.Below(3) > 0;
      backends[i].link = ready ? LinkState::kReady : LinkState::kFailed;
      backends.SetWeight(i, 1 + random.Below(3));
      if (ready && Holds(i)) eligible.insert(i);
    }
    node = backends.Make(Config(), node.get(), round);
    Check(*node, PickRequest(), eligible, random);
    if (HasFatalFailure()) return;
  }
}

// --- Which backends a member holds ------------------------------------------

TEST(SelectTest, AllConditionsHoldTogether) {
  Backends backends({{"eu"}, {"eu"}, {"us"}, {"eu"}});
  backends.SetRole(0, "replica");
  backends.SetRole(2, "replica");
  struct Row {
    const char* name;
    SelectorConfig select;
    std::set<size_t> held;
  };
  const Row rows[] = {
      {"nothing asked", {}, {0, 1, 2, 3}},
      {"zone", {{}, "eu", {}}, {0, 1, 3}},
      {"role", {"replica", {}, {}}, {0, 2}},
      {"no role", {"", {}, {}}, {1, 3}},
      {"label", {{}, {}, {{"place", "3"}}}, {3}},
      {"zone and role", {"replica", "eu", {}}, {0}},
      {"zone and another's label", {{}, "eu", {{"place", "2"}}}, {}},
      {"label without such a value", {{}, {}, {{"place", "x"}}}, {}},
      {"label that nobody has", {{}, {}, {{"rack", ""}}}, {}},
  };
  for (const Row& row : rows) {
    BalancerConfig member = Leaf(StrategyKind::kRoundRobin);
    member.name = "only";
    member.select = row.select;
    const auto node = backends.Make(Inner(StrategyKind::kRoundRobin, {member}));
    std::set<size_t> picked;
    for (const size_t pick : PickMany(*node, 8)) picked.insert(pick);
    picked.erase(kNone);
    EXPECT_EQ(picked, row.held) << row.name;
  }
}

TEST(SelectTest, OnlyCandidatesAreHeld) {
  Backends backends({{"eu"}, {"eu"}, {"us"}, {"us"}});
  for (const BalancerConfig& config :
       {Leaf(StrategyKind::kRoundRobin),
        TwoZones(StrategyKind::kRoundRobin, StrategyKind::kRoundRobin)}) {
    const auto node = backends.MakeOver({1, 2}, config);
    EXPECT_EQ(CountPicks(*node, 100, 4), (Counts{0, 50, 50, 0}));
  }
}

TEST(SelectTest, WithoutMembersThereIsNoChoice) {
  Backends backends({});
  for (const StrategyKind kind : kAllKinds) {
    for (const BalancerConfig& config : {Leaf(kind), TwoZones(kind, kind)}) {
      const auto node = backends.Make(config);
      EXPECT_FALSE(node->Pick(PickRequest()).ok());
      EXPECT_FALSE(node->HasEligible(PickRequest()));
      EXPECT_FALSE(node->connecting());
    }
  }
}

// --- connecting() and needs_latency() ---------------------------------------

TEST(ConnectingTest, IsWhatACallCouldWaitFor) {
  struct Row {
    const char* name;
    LinkState link;
    uint32_t weight;
    bool marked;
    bool connecting;
  };
  const Row rows[] = {
      {"connecting", LinkState::kConnecting, 1, false, true},
      {"ready", LinkState::kReady, 1, false, false},
      {"failed", LinkState::kFailed, 1, false, false},
      {"connecting but draining", LinkState::kConnecting, 0, false, false},
      {"connecting but marked", LinkState::kConnecting, 1, true, false},
  };
  for (const Row& row : rows) {
    Backends backends(
        {{"eu", row.weight, row.link}, {"us", 1, LinkState::kFailed}});
    if (row.marked) backends.Mark(0, false);
    const auto flat = backends.Make(Leaf(StrategyKind::kRoundRobin));
    EXPECT_EQ(flat->connecting(), row.connecting) << row.name;
    const auto zones = backends.Make(
        TwoZones(StrategyKind::kRoundRobin, StrategyKind::kRoundRobin));
    EXPECT_EQ(zones->connecting(), row.connecting) << row.name;
    const auto others =
        backends.Make(Inner(StrategyKind::kRoundRobin,
                            {Zone("us", Leaf(StrategyKind::kRoundRobin))}));
    EXPECT_FALSE(others->connecting()) << row.name;
    for (const auto* node : {flat.get(), zones.get(), others.get()}) {
      EXPECT_EQ(node->HasConnecting(PickRequest()), node->connecting())
          << row.name;
      EXPECT_FALSE(node->HasConnecting(backends.ThatTried({0}))) << row.name;
    }
  }
}

TEST(NeedsLatencyTest, PeakEwmaAnywhereNeedsIt) {
  Backends backends({{"eu"}, {"us"}});
  for (const StrategyKind a : kAllKinds) {
    for (const StrategyKind b : kAllKinds) {
      const bool ours = a == StrategyKind::kPeakEwma;
      const bool below = b == StrategyKind::kPeakEwma;
      EXPECT_EQ(backends.Make(Leaf(a))->needs_latency(), ours);
      EXPECT_EQ(backends.Make(TwoZones(a, b))->needs_latency(), ours || below);
    }
  }
}

TEST(NeedsLatencyTest, TheDecayIsTheLeafsOwn) {
  Backends backends({{"eu"}, {"us"}});
  BalancerConfig config =
      TwoZones(StrategyKind::kPrimary, StrategyKind::kPeakEwma);
  config.members[0].ewma_decay = absl::Seconds(3);
  const auto node = backends.Make(config);
  EXPECT_EQ(node->Pick(PickRequest()).leaf->ewma_decay(), absl::Seconds(3));
}

// --- Distribution over members and within -----------------------------------

TEST(NestedTest, RoundRobinGivesEachZoneItsTurnWhateverItsSize) {
  Backends backends({{"eu"}, {"eu"}, {"eu"}, {"us"}, {"us"}});
  const auto node = backends.Make(
      TwoZones(StrategyKind::kRoundRobin, StrategyKind::kRoundRobin));
  EXPECT_EQ(CountPicks(*node, 600, 5), (Counts{100, 100, 100, 150, 150}));
}

TEST(NestedTest, WeightedGivesEachZoneTheSumOfItsWeights) {
  Backends backends({{"eu", 1}, {"eu", 2}, {"eu", 3}, {"us", 4}});
  const auto node =
      backends.Make(TwoZones(StrategyKind::kWeighted, StrategyKind::kWeighted));
  const auto picks = PickMany(*node, 500);
  EXPECT_LE(WorstWindowError(picks, {1, 2, 3, 4}), 2);
  EXPECT_EQ(CountPicks(*node, 1000, 4), (Counts{100, 200, 300, 400}));
}

TEST(NestedTest, WeightedZonesOfHugeWeightsSaturate) {
  constexpr uint32_t kMost = UINT32_MAX;
  Backends backends({{"eu", kMost}, {"eu", kMost}, {"us", kMost}});
  const auto node =
      backends.Make(TwoZones(StrategyKind::kWeighted, StrategyKind::kWeighted));
  EXPECT_EQ(CountPicks(*node, 400, 3), (Counts{100, 100, 200}));
}

// Allows 5 sigma of 40,000 draws, which means one false alarm in 1.7 million
// seeds for each bound.
TEST(NestedTest, RandomDrawsZonesAndBackendsInProportionToWeight) {
  Backends backends({{"eu", 1}, {"eu", 2}, {"eu", 3}, {"us", 4}});
  const auto node =
      backends.Make(TwoZones(StrategyKind::kRandom, StrategyKind::kRandom));
  constexpr double kPicks = 40000;
  const Counts counts = CountPicks(*node, kPicks, 4);
  for (size_t i = 0; i < 4; ++i) {
    const double share = (i + 1) / 10.0;
    EXPECT_NEAR(counts[i], kPicks * share,
                5 * std::sqrt(kPicks * share * (1 - share)))
        << i;
  }
}

void Begin(LoadStats& backend, const BalancerNode& leaf) {
  ++backend.in_flight;
  if (leaf.load_path() == nullptr) return;
  for (const auto& load : *leaf.load_path()) ++load->in_flight;
}

TEST(NestedTest, LeastBusyFillsZonesAndBackendsInProportionToWeight) {
  Backends backends({{"eu", 1}, {"eu", 2}, {"eu", 3}, {"us", 4}});
  const auto node = backends.Make(
      TwoZones(StrategyKind::kLeastBusy, StrategyKind::kLeastBusy));
  for (int calls = 1; calls <= 1000; ++calls) {
    const auto choice = node->Pick(PickRequest());
    Begin(backends.load(choice.entry()), *choice.leaf);
    if (calls % 10 != 0) continue;
    for (size_t i = 0; i < 4; ++i) {
      ASSERT_EQ(backends.load(i).in_flight, calls / 10 * int64_t(i + 1))
          << "after " << calls;
    }
  }
}

TEST(NestedTest, PrimaryTakesTheFirstZoneOfTheListThatHasAnyoneLeft) {
  Backends backends({{"us"}, {"eu"}, {"eu"}});
  const auto node = backends.Make(
      TwoZones(StrategyKind::kPrimary, StrategyKind::kRoundRobin));
  EXPECT_EQ(CountPicks(*node, 100, 3), (Counts{0, 50, 50}));
  backends.Mark(1, false);
  EXPECT_EQ(CountPicks(*node, 100, 3), (Counts{0, 0, 100}));
  backends.Mark(2, false);
  EXPECT_EQ(CountPicks(*node, 100, 3), (Counts{100, 0, 0}));
  backends.Mark(1, true);
  EXPECT_EQ(CountPicks(*node, 100, 3), (Counts{0, 100, 0}));
}

TEST(NestedTest, PeakEwmaAvoidsTheSlowZone) {
  Backends backends({{"eu"}, {"eu"}, {"us"}});
  const auto node = backends.Make(
      TwoZones(StrategyKind::kPeakEwma, StrategyKind::kRoundRobin));
  backends.clock().Set(1000000000);
  // One call is measured in each zone.  Calls in "eu" are slow.
  for (int i = 0; i < 2; ++i) {
    const auto choice = node->Pick(PickRequest());
    const bool eu = choice.entry() != 2;
    ObserveLatency(*choice.leaf->load_path()->front(), eu ? 100000000 : 1000000,
                   /*failed=*/false, 1000000000, absl::Seconds(10));
  }
  const Counts counts = CountPicks(*node, 1000, 3);
  EXPECT_GE(counts[2], 990u);
}

class Keys {
 public:
  // Returns the backend of each of many keys.
  static std::vector<uint32_t> Owners(const BalancerNode& node) {
    FastRandom random(7);
    std::vector<uint32_t> owners;
    for (int i = 0; i < 4000; ++i) {
      owners.push_back(node.Pick(RequestWithKey(random.Next())).entry());
    }
    return owners;
  }
};

BalancerConfig StickyZones() {
  return TwoZones(StrategyKind::kSticky, StrategyKind::kSticky);
}

Backends SixInTwoZones() {
  return Backends({{"eu"}, {"eu"}, {"eu"}, {"us"}, {"us"}, {"us"}});
}

TEST(NestedStickyTest, TheSameKeyGoesToTheSameBackendInProportionToWeight) {
  Backends backends({{"eu", 1}, {"eu", 2}, {"eu", 3}, {"us", 4}});
  const auto node = backends.Make(StickyZones());
  const auto owners = Keys::Owners(*node);
  EXPECT_EQ(Keys::Owners(*node), owners);
  // Allows 5 sigma of 4,000 keys, and in addition the spread of the slots.
  // That means one false alarm in 1.7 million sets of addresses for each bound.
  for (uint32_t i = 0; i < 4; ++i) {
    const double share = (i + 1) / 10.0;
    EXPECT_NEAR(std::count(owners.begin(), owners.end(), i), 4000 * share,
                5 * std::sqrt(4000 * share * (1 - share)))
        << i;
  }
}

void ExpectOnlyKeysOfMoved(const std::vector<uint32_t>& before,
                           const std::vector<uint32_t>& after,
                           const std::set<uint32_t>& gone) {
  for (size_t key = 0; key < before.size(); ++key) {
    if (gone.count(before[key]) > 0) {
      ASSERT_EQ(gone.count(after[key]), 0u) << "key " << key;
    } else {
      ASSERT_EQ(after[key], before[key]) << "key " << key;
    }
  }
}

TEST(NestedStickyTest, WhateverSetIsMarkedOnlyItsKeysMoveAndAllComeBack) {
  Backends backends = SixInTwoZones();
  auto node = backends.Make(StickyZones());
  const auto before = Keys::Owners(*node);
  for (uint32_t marked = 0; marked < 63; ++marked) {
    SCOPED_TRACE(marked);
    std::set<uint32_t> gone;
    for (uint32_t i = 0; i < 6; ++i) {
      if (marked >> i & 1) gone.insert(i);
      backends.Mark(i, gone.count(i) == 0);
    }
    ExpectOnlyKeysOfMoved(before, Keys::Owners(*node), gone);
    // The plan that follows a mark does not move other keys either.
    node = backends.Make(StickyZones(), node.get());
    ExpectOnlyKeysOfMoved(before, Keys::Owners(*node), gone);
    if (HasFatalFailure()) return;
  }
}

TEST(NestedStickyTest, ALostConnectionMovesTheBackendsOwnKeysOnly) {
  for (uint32_t lost = 1; lost < 63; lost += 5) {
    Backends backends = SixInTwoZones();
    const auto first = backends.Make(StickyZones());
    const auto before = Keys::Owners(*first);
    std::set<uint32_t> gone;
    for (uint32_t i = 0; i < 6; ++i) {
      if ((lost >> i & 1) == 0) continue;
      gone.insert(i);
      backends[i].link = LinkState::kFailed;
    }
    const auto second = backends.Make(StickyZones(), first.get());
    ExpectOnlyKeysOfMoved(before, Keys::Owners(*second), gone);
    for (const uint32_t i : gone) {
      backends[i].link = LinkState::kReady;
    }
    const auto third = backends.Make(StickyZones(), second.get());
    EXPECT_EQ(Keys::Owners(*third), before);
  }
}

TEST(NestedStickyTest, OwnersDoNotDependOnTheOrderOfMembers) {
  Backends backends = SixInTwoZones();
  const auto first = backends.Make(StickyZones());
  const auto before = Keys::Owners(*first);
  BalancerConfig reordered = StickyZones();
  std::swap(reordered.members[0], reordered.members[1]);
  const auto second = backends.Make(reordered, first.get());
  EXPECT_EQ(Keys::Owners(*second), before);
  const auto fresh = backends.Make(reordered);
  EXPECT_EQ(Keys::Owners(*fresh), before);
}

// --- A zone's weight --------------------------------------------------------

TEST(ZoneWeightTest, FollowsTheUsableBackendsFromPlanToPlan) {
  Backends backends({{"eu"}, {"eu"}, {"eu"}, {"us"}});
  const BalancerConfig config =
      TwoZones(StrategyKind::kWeighted, StrategyKind::kRoundRobin);
  auto node = backends.Make(config);
  EXPECT_EQ(CountPicks(*node, 400, 4), (Counts{100, 100, 100, 100}));
  backends.Mark(0, false);
  backends[1].link = LinkState::kFailed;
  node = backends.Make(config, node.get());
  EXPECT_EQ(CountPicks(*node, 400, 4), (Counts{0, 0, 200, 200}));
}

TEST(ZoneWeightTest, AZoneOfMarkedBackendsIsBackAtOnceWhenAMarkIsLifted) {
  for (const StrategyKind kind : kAllKinds) {
    Backends backends({{"eu"}, {"us"}});
    backends.Mark(0, false);
    backends.Mark(1, false);
    const auto node = backends.Make(TwoZones(kind, kind));
    ASSERT_FALSE(node->Pick(PickRequest()).ok());
    for (size_t i = 0; i < 2; ++i) {
      backends.Mark(i, true);
      EXPECT_EQ(node->Pick(PickRequest()).entry(), i) << StrategyName(kind);
      backends.Mark(i, false);
      EXPECT_EQ(node->Pick(PickRequest()).entry(), kNone) << StrategyName(kind);
    }
  }
}

// --- Load of inner nodes ----------------------------------------------------

TEST(LoadPathTest, IsAbsentWithoutInnerNodes) {
  Backends backends({{"eu"}, {"us"}});
  const auto node = backends.Make(Leaf(StrategyKind::kRoundRobin));
  EXPECT_EQ(node->Pick(PickRequest()).leaf->load_path(), nullptr);
}

BalancerConfig ThreeLevels() {
  return Inner(
      StrategyKind::kPrimary,
      {Zone("eu", Inner(StrategyKind::kPrimary,
                        {Everything("all", Leaf(StrategyKind::kPrimary))})),
       Zone("us", Leaf(StrategyKind::kPrimary))});
}

TEST(LoadPathTest, LeadsFromTheLeafToTheTop) {
  Backends backends({{"eu"}, {"us"}});
  const auto node = backends.Make(ThreeLevels());
  const auto eu = node->Pick(PickRequest());
  const auto us = node->Pick(backends.ThatTried({0}));
  ASSERT_EQ(eu.entry(), 0u);
  ASSERT_EQ(us.entry(), 1u);
  EXPECT_EQ(eu.leaf->load_path()->size(), 2u);
  EXPECT_EQ(us.leaf->load_path()->size(), 1u);
  std::set<LoadStats*> different;
  for (const auto& load : *eu.leaf->load_path()) different.insert(load.get());
  for (const auto& load : *us.leaf->load_path()) different.insert(load.get());
  EXPECT_EQ(different.size(), 3u);
}

TEST(LoadPathTest, CallsInFlightInANodeCountOnAfterARebuild) {
  Backends backends({{"eu"}, {"us"}});
  auto node = backends.Make(ThreeLevels());
  const auto path = node->Pick(PickRequest()).leaf->load_path();
  for (const auto& load : *path) load->in_flight = 5;
  backends.Add({"eu"});
  BalancerConfig reordered = ThreeLevels();
  std::swap(reordered.members[0], reordered.members[1]);
  node = backends.Make(reordered, node.get());
  EXPECT_EQ(*node->Pick(backends.ThatTried({1})).leaf->load_path(), *path);
  EXPECT_EQ(node->Pick(PickRequest()).leaf->load_path()->front()->in_flight, 0);
}

TEST(LoadPathTest, LeastBusyOverZonesGoesOnWithTheirCallsAfterARebuild) {
  Backends backends({{"eu"}, {"us"}});
  const BalancerConfig config =
      TwoZones(StrategyKind::kLeastBusy, StrategyKind::kRoundRobin);
  auto node = backends.Make(config);
  for (int i = 0; i < 10; ++i) {
    Begin(backends.load(0), *node->Pick(backends.ThatTried({1})).leaf);
  }
  node = backends.Make(config, node.get());
  EXPECT_EQ(CountPicks(*node, 10, 2), (Counts{0, 10}));
}

TEST(LoadPathTest, ANodeOfAnotherNameStartsAnew) {
  Backends backends({{"eu"}, {"us"}});
  const auto first = backends.Make(ThreeLevels());
  const auto path = first->Pick(PickRequest()).leaf->load_path();
  BalancerConfig renamed = ThreeLevels();
  renamed.members[0].name = "europe";
  const auto second = backends.Make(renamed, first.get());
  const auto& other = *second->Pick(PickRequest()).leaf->load_path();
  ASSERT_EQ(other.size(), path->size());
  for (size_t i = 0; i < other.size(); ++i) EXPECT_NE(other[i], (*path)[i]);
}

TEST(LoadPathTest, OutlivesItsNode) {
  Backends backends({{"eu"}, {"us"}});
  auto node = backends.Make(ThreeLevels());
  const auto path = node->Pick(PickRequest()).leaf->load_path();
  node.reset();
  for (const auto& load : *path) --load->in_flight;
  EXPECT_EQ(path->front()->in_flight, -1);
}

// --- Threads ----------------------------------------------------------------

// Backends are marked while a pick is between two levels, so the other zone
// must serve.  (A pick fails if eight marks happen during it.  A mark takes
// longer than a pick, and no pick of millions has failed.)
TEST(ThreadsTest, APickNeverFailsWhileSomeZoneIsUsable) {
  for (const StrategyKind kind : kAllKinds) {
    Backends backends({{"eu"}, {"eu"}, {"us"}});
    const auto node = backends.Make(TwoZones(kind, kind));
    std::atomic<bool> stop{false};
    std::thread marker([&]() {
      for (uint32_t i = 0; !stop; ++i) {
        for (size_t j = 0; j < 2; ++j) backends.Mark(j, i % 2 == 0);
      }
    });
    FastRandom random(6);
    for (int i = 0; i < 20000; ++i) {
      PickRequest request;
      request.has_key = i % 2 == 0;
      request.key_hash = random.Next();
      EXPECT_TRUE(node->Pick(request).ok()) << StrategyName(kind) << i;
      EXPECT_TRUE(node->HasEligible(request));
    }
    stop = true;
    marker.join();
  }
}

TEST(ThreadsTest, ASuccessorIsMadeWhilePicksGoOn) {
  for (const StrategyKind kind : kAllKinds) {
    Backends backends({{"eu"}, {"eu"}, {"us"}});
    const BalancerConfig config = TwoZones(kind, kind);
    const auto node = backends.Make(config);
    std::thread picks([&node]() {
      FastRandom random(8);
      for (int i = 0; i < 5000; ++i) {
        EXPECT_TRUE(node->Pick(RequestWithKey(random.Next())).ok());
        EXPECT_TRUE(node->Pick(PickRequest()).ok());
      }
    });
    for (int i = 0; i < 100; ++i) {
      const auto next = backends.Make(config, node.get(), i);
      EXPECT_TRUE(next->Pick(PickRequest()).ok());
    }
    picks.join();
  }
}

}  // namespace
}  // namespace multi_backend
