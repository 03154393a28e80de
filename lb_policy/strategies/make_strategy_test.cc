// Tests the contract in lb_policy/strategy.h with every strategy.

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategy.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using testing::kAllKinds;
using testing::ListedStrategy;
using testing::StrategyMembers;

class StrategyContractTest : public ::testing::TestWithParam<StrategyKind> {};

INSTANTIATE_TEST_SUITE_P(
    AllStrategies, StrategyContractTest, ::testing::ValuesIn(kAllKinds),
    [](const ::testing::TestParamInfo<StrategyKind>& info) {
      return std::string(StrategyName(info.param));
    });

// A reason that makes a member ineligible.
enum class Obstacle { kNothing, kUnusable, kTried, kRefuses, kDrained, kCount };

// Tries every assignment of obstacles to up to four members.  An assignment is
// a number whose digits in base kCount are the obstacles.
TEST_P(StrategyContractTest, PicksEligibleMembersOnlyAndNoneOnlyWithoutThem) {
  constexpr int kObstacles = static_cast<int>(Obstacle::kCount);
  for (size_t size = 0; size <= 4; ++size) {
    int cases = 1;
    for (size_t i = 0; i < size; ++i) cases *= kObstacles;
    for (int code = 0; code < cases; ++code) {
      StrategyMembers members(std::vector<uint32_t>(size, 3));
      PickRequest request;
      std::vector<uint32_t> not_admitting;
      std::set<size_t> eligible;
      int rest = code;
      for (size_t i = 0; i < size; ++i, rest /= kObstacles) {
        switch (static_cast<Obstacle>(rest % kObstacles)) {
          case Obstacle::kUnusable:
            members.SetUsable(i, false);
            break;
          case Obstacle::kTried:
            request.tried.Add(members[i].id);
            break;
          case Obstacle::kRefuses:
            not_admitting.push_back(members[i].id);
            break;
          case Obstacle::kDrained:
            members[i].weight = 0;
            break;
          default:
            eligible.insert(i);
        }
      }
      request.not_admitting = not_admitting;
      ListedStrategy strategy = members.Make(GetParam());
      FastRandom random(code);
      for (int pick = 0; pick < 20; ++pick) {
        request.has_key = pick % 2 == 1;
        request.key_hash = random.Next();
        const size_t picked = strategy.Pick(request);
        if (eligible.empty()) {
          ASSERT_EQ(picked, Strategy::kNone) << "case " << code;
        } else {
          ASSERT_EQ(eligible.count(picked), 1u)
              << "case " << code << " picked " << picked;
        }
      }
    }
  }
}

// Reason 2 is tolerated, reason 1 is not.  Tries every assignment of the two to
// four members, and to the first four of many.
TEST_P(StrategyContractTest, AToleratedReasonDoesNotCount) {
  for (const size_t size : {size_t{4}, size_t{40}}) {
    for (int code = 0; code < 256; ++code) {
      StrategyMembers members = StrategyMembers::Equal(size);
      std::set<size_t> eligible;
      for (size_t i = 0; i < size; ++i) {
        // Members beyond the fourth are never eligible.
        const uint32_t reasons =
            i < 4 ? static_cast<uint32_t>(code >> (2 * i)) & 3 : 1;
        members[i].load->unusable_reasons.store(reasons);
        if ((reasons & 1) == 0) eligible.insert(i);
      }
      ListedStrategy strategy = members.Make(GetParam());
      FastRandom random(code);
      PickRequest request;
      request.tolerated = 2;
      for (int pick = 0; pick < 10; ++pick) {
        request.has_key = pick % 2 == 1;
        request.key_hash = random.Next();
        const size_t picked = strategy.Pick(request);
        if (eligible.empty()) {
          ASSERT_EQ(picked, Strategy::kNone) << "case " << code;
        } else {
          ASSERT_EQ(eligible.count(picked), 1u)
              << "case " << code << " picked " << picked;
        }
      }
    }
  }
}

TEST_P(StrategyContractTest, FindsTheOnlyEligibleMemberOfManyEveryTime) {
  constexpr size_t kSize = 300;
  StrategyMembers members = StrategyMembers::Equal(kSize);
  for (size_t i = 0; i < kSize; ++i) members.SetUsable(i, false);
  ListedStrategy strategy = members.Make(GetParam());
  FastRandom random(1);
  for (size_t only = 0; only < kSize; only += 7) {
    members.SetUsable(only, true);
    for (int pick = 0; pick < 5; ++pick) {
      ASSERT_EQ(strategy.Pick(testing::RequestWithKey(random.Next())), only);
      ASSERT_EQ(strategy.Pick(), only);
    }
    members.SetUsable(only, false);
    ASSERT_EQ(strategy.Pick(), Strategy::kNone);
  }
}

TEST_P(StrategyContractTest, ACallThatFailsEverywhereTriesEachMemberOnce) {
  for (const size_t size : {1, 2, 3, 5, 8}) {
    StrategyMembers members = StrategyMembers::Equal(size);
    ListedStrategy strategy = members.Make(GetParam());
    FastRandom random(size);
    for (int call = 0; call < 200; ++call) {
      PickRequest request;
      request.has_key = call % 2 == 1;
      request.key_hash = random.Next();
      std::set<size_t> tried;
      for (size_t attempt = 0; attempt < size; ++attempt) {
        const size_t picked = strategy.Pick(request);
        ASSERT_NE(picked, Strategy::kNone);
        ASSERT_TRUE(tried.insert(picked).second) << "again " << picked;
        request.tried.Add(members[picked].id);
      }
      ASSERT_EQ(strategy.Pick(request), Strategy::kNone);
    }
  }
}

// An inner balancer that a test opens and closes.
class FakeBalancer : public BalancerMember {
 public:
  bool HasEligible(const PickRequest&) const override { return open; }
  bool open = true;
};

TEST_P(StrategyContractTest, AsksAnInnerBalancerWhetherItCanTakeTheCall) {
  StrategyMembers members = StrategyMembers::Equal(3);
  FakeBalancer inner[3];
  for (int i = 0; i < 3; ++i) {
    members[i].balancer = &inner[i];
    members[i].id = 0;  // Inner balancers have none.
  }
  ListedStrategy strategy = members.Make(GetParam());
  // A tried backend whose id is also 0 must not exclude them.
  PickRequest request;
  request.tried.Add(0);
  for (int open = 0; open < 8; ++open) {
    for (int i = 0; i < 3; ++i) inner[i].open = (open >> i) & 1;
    for (int pick = 0; pick < 20; ++pick) {
      const size_t picked = strategy.Pick(request);
      if (open == 0) {
        ASSERT_EQ(picked, Strategy::kNone);
      } else {
        ASSERT_NE(picked, Strategy::kNone);
        ASSERT_TRUE(inner[picked].open);
      }
    }
  }
}

TEST_P(StrategyContractTest, OutlivesItsPredecessorThroughManySuccessions) {
  StrategyMembers members({1, 2, 3, 4, 5, 6, 7, 8});
  ListedStrategy current = members.Make(GetParam());
  FastRandom random(5);
  for (int succession = 0; succession < 300; ++succession) {
    std::vector<size_t> list;
    for (size_t i = 0; i < members.size(); ++i) {
      if (random.Below(3) > 0) list.push_back(i);
      members[i].weight = random.Below(4);
    }
    for (size_t i = list.size(); i > 1; --i) {
      std::swap(list[i - 1], list[random.Below(static_cast<uint32_t>(i))]);
    }
    // The assignment destroys the predecessor.
    current = members.MakeNext(current, list, random.Next());
    bool any = false;
    for (const size_t i : list) any = any || members[i].weight > 0;
    for (int pick = 0; pick < 10; ++pick) {
      const size_t picked =
          current.Pick(testing::RequestWithKey(random.Next()));
      ASSERT_EQ(picked != Strategy::kNone, any);
      if (any) {
        ASSERT_GT(members[picked].weight, 0u);
      }
    }
  }
}

// The control plane builds successors while picks go on.  This test is of use
// under the thread sanitizer.
TEST_P(StrategyContractTest, SuccessorsAreMadeWhilePicksGoOn) {
  StrategyMembers members({1, 2, 3, 3, 2, 1});
  ListedStrategy strategy = members.Make(GetParam());
  std::atomic<bool> stop{false};
  std::atomic<int> strangers{0};
  std::thread picks([&] {
    FastRandom random(1);
    while (!stop.load()) {
      const size_t picked =
          strategy.Pick(testing::RequestWithKey(random.Next()));
      if (picked >= members.size()) ++strangers;
    }
  });
  FastRandom random(2);
  for (int i = 0; i < 100; ++i) {
    // Make one successor for the same list and one for a shorter list.
    auto list = members.Everybody();
    if (i % 2 == 1) list.pop_back();
    ListedStrategy next = members.MakeNext(strategy, list, i);
    for (int pick = 0; pick < 20; ++pick) {
      if (next.Pick(testing::RequestWithKey(random.Next())) >= list.size()) {
        ++strangers;
      }
    }
  }
  stop = true;
  picks.join();
  EXPECT_EQ(strangers.load(), 0);
}

}  // namespace
}  // namespace multi_backend
