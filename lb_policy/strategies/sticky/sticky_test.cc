#include "multi_backend/lb_policy/strategies/sticky/sticky.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/algorithms/owner_cache.h"
#include "multi_backend/tests/testing/rendezvous_oracle.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using testing::ListedStrategy;
using testing::RendezvousOrder;
using testing::RequestWithKey;
using testing::StrategyMembers;

constexpr StrategyKind kKind = StrategyKind::kSticky;

uint64_t KeyOfSlot(uint32_t slot) {
  return uint64_t{slot} << (64 - OwnerCache::kBits);
}

TEST(OwnerCacheTest, KnowsWhatWasSetAndNothingElse) {
  OwnerCache cache;
  for (uint32_t slot = 0; slot < OwnerCache::kSlots; slot += 2) {
    ASSERT_EQ(cache.Get(slot), OwnerCache::kUnknown);
    cache.Set(slot, slot / 2);
  }
  for (uint32_t slot = 0; slot < OwnerCache::kSlots; ++slot) {
    ASSERT_EQ(cache.Get(slot), slot % 2 == 0 ? slot / 2 : OwnerCache::kUnknown);
  }
}

// Returns `count` slots, spread evenly over all.
std::vector<uint32_t> SampleSlots(uint32_t count) {
  std::vector<uint32_t> slots;
  for (uint32_t i = 0; i < count; ++i) {
    slots.push_back(i * (OwnerCache::kSlots / count) + i % 7);
  }
  return slots;
}

// Computes the owners of `slots` among the members of `list` by definition.
std::vector<size_t> OwnersByDefinition(const StrategyMembers& members,
                                       const std::vector<size_t>& list,
                                       const std::vector<uint32_t>& slots) {
  std::vector<Member> listed;
  for (const size_t i : list) listed.push_back(members[i]);
  std::vector<size_t> owners;
  for (const uint32_t slot : slots) {
    const auto order = RendezvousOrder(listed, slot);
    owners.push_back(order.empty() ? Strategy::kNone : list[order[0]]);
  }
  return owners;
}

std::vector<size_t> Owners(ListedStrategy& strategy,
                           const std::vector<uint32_t>& slots) {
  std::vector<size_t> owners;
  for (const uint32_t slot : slots) {
    owners.push_back(strategy.Pick(RequestWithKey(KeyOfSlot(slot))));
  }
  return owners;
}

struct WeightsCase {
  const char* name;
  std::vector<uint32_t> weights;
};

const WeightsCase kWeightsCases[] = {
    {"One", {7}},
    {"TwoEqual", {5, 5}},
    {"TenEqual", std::vector<uint32_t>(10, 1000)},
    {"OneDrained", {1, 0, 1}},
    {"Distinct", {1, 2, 3, 4, 5, 6, 7}},
    {"Extreme", {1, 4294967295u, 1000000000u, 1}},
    {"TwoClasses", {3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1}},
};

TEST(StickyTest, OwnersAndFallbacksAreThoseOfTheDefinition) {
  for (const WeightsCase& c : kWeightsCases) {
    SCOPED_TRACE(c.name);
    StrategyMembers members(c.weights);
    ListedStrategy strategy = members.Make(kKind);
    for (const uint32_t slot : SampleSlots(2000)) {
      PickRequest request = RequestWithKey(KeyOfSlot(slot));
      for (const size_t expected : RendezvousOrder(members.members(), slot)) {
        if (request.tried.size() == TriedBackends::kCapacity) break;
        const size_t picked = strategy.Pick(request);
        ASSERT_EQ(picked, expected) << "slot " << slot;
        request.tried.Add(members[picked].id);
      }
    }
  }
}

TEST(StickyTest, AnUnusableMemberIsAsGoodAsAbsent) {
  StrategyMembers members({1, 2, 3, 4, 5});
  const auto slots = SampleSlots(3000);
  for (size_t down = 0; down < members.size(); ++down) {
    ListedStrategy with = members.Make(kKind);
    ListedStrategy without = members.Make(kKind, members.EverybodyBut(down));
    members.SetUsable(down, false);
    EXPECT_EQ(Owners(with, slots), Owners(without, slots));
    members.SetUsable(down, true);
  }
}

TEST(StickyTest, AMemberThatDrainsKeepsItsOwnKeysAndGetsNoOthers) {
  StrategyMembers members({1, 2, 3, 4});
  const std::vector<uint32_t> slots = SampleSlots(400);
  const auto owners = OwnersByDefinition(members, members.Everybody(), slots);
  const auto without_2 =
      OwnersByDefinition(members, members.EverybodyBut(2), slots);
  const auto without_both = OwnersByDefinition(members, {0, 3}, slots);
  members[1].load->unusable_reasons = LoadStats::kKeysOnly;
  members.SetUsable(2, false);
  ListedStrategy sticky = members.Make(kKind);
  for (size_t i = 0; i < slots.size(); ++i) {
    // A key of the member that is out would go to the draining one, but does
    // not live there.
    const size_t expected = owners[i] != 2      ? owners[i]
                            : without_2[i] == 1 ? without_both[i]
                                                : without_2[i];
    ASSERT_EQ(sticky.Pick(RequestWithKey(KeyOfSlot(slots[i]))), expected);
    ASSERT_NE(sticky.Pick(), 1u);
  }
}

// Removes and then adds each of some members, and checks every slot.
TEST(StickyTest, AMemberThatLeavesOrJoinsMovesItsOwnKeysOnly) {
  for (const size_t size : {10, 100, 1000}) {
    StrategyMembers members = StrategyMembers::Equal(size);
    const auto slots = SampleSlots(4096);
    ListedStrategy all = members.Make(kKind);
    const auto before = Owners(all, slots);
    for (const size_t one : {size_t{0}, size / 2, size - 1}) {
      ListedStrategy fewer = members.MakeNext(all, members.EverybodyBut(one));
      const auto without = Owners(fewer, slots);
      for (size_t i = 0; i < slots.size(); ++i) {
        if (before[i] == one) {
          ASSERT_NE(without[i], one);
        } else {
          ASSERT_EQ(without[i], before[i]);
        }
      }
      ListedStrategy again = members.MakeNext(fewer, members.Everybody());
      ASSERT_EQ(Owners(again, slots), before);
    }
  }
}

// After any history of joins, leaves, drains and weight changes, with some keys
// picked in between, the owners are those of a new strategy.
TEST(StickyTest, OwnersDoNotDependOnHistory) {
  StrategyMembers members(std::vector<uint32_t>(12, 1));
  const auto slots = SampleSlots(512);
  FastRandom random(7);
  ListedStrategy strategy = members.Make(kKind);
  for (int step = 0; step < 400; ++step) {
    std::vector<size_t> list;
    for (size_t i = 0; i < members.size(); ++i) {
      if (random.Below(5) > 0) list.push_back(i);
      if (random.Below(4) == 0) members[i].weight = random.Below(4);
    }
    if (step % 5 == 0) list = strategy.list;  // Only weights may change.
    for (size_t i = list.size(); i > 1 && step % 2 == 0; --i) {
      std::swap(list[i - 1], list[random.Below(static_cast<uint32_t>(i))]);
    }
    strategy = members.MakeNext(strategy, list);
    // In some steps only a part of the owners gets into the cache.
    auto asked = slots;
    if (step % 3 == 0) asked.resize(slots.size() / 3);
    if (step % 7 == 0) continue;
    ASSERT_EQ(Owners(strategy, asked), OwnersByDefinition(members, list, asked))
        << "step " << step;
  }
}

TEST(StickyTest, ASuccessorOfTheSameListKeepsWhatIsKnown) {
  StrategyMembers members({1, 2, 3});
  const auto slots = SampleSlots(1000);
  ListedStrategy strategy = members.Make(kKind);
  const auto owners = Owners(strategy, slots);
  for (int i = 0; i < 5; ++i) {
    strategy = members.MakeNext(strategy, members.Everybody());
    EXPECT_EQ(Owners(strategy, slots), owners);
  }
}

// The bounds are those of bench/quality_bench.cc, which counts all slots.
TEST(StickyTest, SlotsAreSpreadEvenly) {
  const struct {
    size_t size;
    double worst;
  } cases[] = {{10, 1.05}, {100, 1.10}};
  for (const auto& c : cases) {
    StrategyMembers members = StrategyMembers::Equal(c.size);
    const Rendezvous rendezvous(members.members());
    std::vector<int> counts(c.size);
    constexpr uint32_t kStep = 4;
    for (uint32_t slot = 0; slot < OwnerCache::kSlots; slot += kStep) {
      ++counts[rendezvous.Best(slot)];
    }
    const double mean =
        static_cast<double>(OwnerCache::kSlots) / kStep / c.size;
    EXPECT_LE(*std::max_element(counts.begin(), counts.end()) / mean, c.worst);
  }
}

// A member's share p of the 2^19 slots is within 5 sigma, where sigma is
// sqrt(p (1 - p) / 2^19).  The hashes are fixed, so the test cannot flake.
TEST(StickyTest, SlotsAreInProportionToWeight) {
  const std::vector<uint32_t> weights = {1, 2, 3, 10};
  StrategyMembers members(weights);
  const Rendezvous rendezvous(members.members());
  std::vector<int> counts(weights.size());
  for (uint32_t slot = 0; slot < OwnerCache::kSlots; ++slot) {
    ++counts[rendezvous.Best(slot)];
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    const double share = weights[i] / 16.0;
    EXPECT_NEAR(static_cast<double>(counts[i]) / OwnerCache::kSlots, share,
                5 * std::sqrt(share * (1 - share) / OwnerCache::kSlots));
  }
}

// With 30,000 picks and shares of 1/6 to 1/2, sigma is at most 0.0029.  The
// test allows 6.
TEST(StickyTest, ACallWithoutAKeyGoesToARandomMemberByWeight) {
  StrategyMembers members({1, 2, 3});
  ListedStrategy strategy = members.Make(kKind);
  std::vector<int> counts(3);
  for (int i = 0; i < 30000; ++i) ++counts[strategy.Pick()];
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(counts[i] / 30000.0, (i + 1) / 6.0, 0.0174);
  }
}

BalancerConfig Bounded(double bound) {
  BalancerConfig config;
  config.strategy = kKind;
  config.load_bound = bound;
  return config;
}

TEST(StickyTest, WithALoadBoundNoMemberTakesMoreThanItsShareTimesTheBound) {
  for (const double bound : {1.0, 1.25, 2.0}) {
    for (const size_t size : {3, 10, 32}) {
      StrategyMembers members = StrategyMembers::Equal(size);
      ListedStrategy strategy =
          members.Make(Bounded(bound), members.Everybody());
      // Without the bound, all calls with this one key go to one member.
      for (int call = 0; call < 500; ++call) {
        const size_t picked = strategy.Pick(RequestWithKey(42));
        const int64_t in_flight = ++members[picked].load->in_flight;
        const double fair = static_cast<double>(call + 1) / size;
        ASSERT_LE(in_flight, std::ceil(bound * fair - 1e-9));
      }
    }
  }
}

TEST(StickyTest, ALoadBoundPassesOnToTheKeysNextMemberAndComesBack) {
  StrategyMembers members = StrategyMembers::Equal(5);
  ListedStrategy strategy = members.Make(Bounded(1.25), members.Everybody());
  for (const uint32_t slot : SampleSlots(200)) {
    const auto order = RendezvousOrder(members.members(), slot);
    const PickRequest request = RequestWithKey(KeyOfSlot(slot));
    EXPECT_EQ(strategy.Pick(request), order[0]);
    members.SetInFlight(order[0], 10);
    EXPECT_EQ(strategy.Pick(request), order[1]);
    members.SetInFlight(order[1], 10);
    EXPECT_EQ(strategy.Pick(request), order[2]);
    // All are equally busy, so no member is above the mean.
    for (size_t i = 0; i < 5; ++i) members.SetInFlight(i, 10);
    EXPECT_EQ(strategy.Pick(request), order[0]);
    for (size_t i = 0; i < 5; ++i) members.SetInFlight(i, 0);
  }
}

TEST(StickyTest, ALoadBoundNeverRefusesWhatAnEligibleMemberCouldTake) {
  StrategyMembers members = StrategyMembers::Equal(100);
  ListedStrategy strategy = members.Make(Bounded(1.0), members.Everybody());
  for (size_t i = 0; i < 100; ++i) {
    members.SetInFlight(i, 50);
    members.SetUsable(i, i == 17);
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(strategy.Pick(RequestWithKey(Mix64(i))), 17u);
  }
}

}  // namespace
}  // namespace multi_backend
