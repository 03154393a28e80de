#include "multi_backend/lb_policy/strategies/least_busy/least_busy.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/tests/testing/latency_simulation.h"
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

// Every call on member 0 fails before the next pick.  The others have
// `calls_at_a_time` calls in flight.  Returns the share of member 0.
double ShareOfTheFailing(size_t members, size_t calls_at_a_time) {
  StrategyMembers all = StrategyMembers::Equal(members);
  ListedStrategy strategy = all.Make(kKind);
  std::deque<size_t> running;
  constexpr int kPicks = 100000;
  int on_failing = 0;
  for (int i = 0; i < kPicks; ++i) {
    const size_t picked = strategy.Pick();
    if (picked == 0) {
      ++on_failing;
      ++all[0].load->failures;
      continue;
    }
    ++all[picked].load->in_flight;
    running.push_back(picked);
    if (running.size() > calls_at_a_time) {
      --all[running.front()].load->in_flight;
      running.pop_front();
    }
  }
  return static_cast<double>(on_failing) / kPicks;
}

struct FailingRow {
  size_t members;
  size_t calls_at_a_time;
};

TEST(LeastBusyTest, AMemberThatFailsAtOnceGetsNoMoreThanItsShare) {
  for (const FailingRow& row : std::vector<FailingRow>{{2, 0},
                                                       {2, 1},
                                                       {2, 20},
                                                       {2, 1000},
                                                       {3, 0},
                                                       {3, 20},
                                                       {10, 5},
                                                       {10, 200},
                                                       {32, 300},
                                                       {100, 2000}}) {
    const double fair = 1.0 / static_cast<double>(row.members);
    EXPECT_LE(ShareOfTheFailing(row.members, row.calls_at_a_time), 1.1 * fair)
        << row.members << " members, " << row.calls_at_a_time << " calls";
  }
}

TEST(LeastBusyTest, AFailureIsForgottenInTheTimeThatCallsTake) {
  StrategyMembers members = StrategyMembers::Equal(2);
  members.SetInFlight(0, 10);
  members.SetInFlight(1, 10);
  ListedStrategy strategy = members.Make(kKind);
  strategy.Pick();
  members[0].load->failures += 5;
  int on_failed = 0;
  for (int i = 0; i < 25; ++i) on_failed += strategy.Pick() == 0;
  EXPECT_EQ(on_failed, 0);
  // After 25 picks, the 5 failures count as 5/e, and after 150 as none.
  for (int i = 0; i < 125; ++i) strategy.Pick();
  for (int i = 0; i < 1000; ++i) on_failed += strategy.Pick() == 0;
  EXPECT_NEAR(on_failed, 500, 100);
}

// The failures of other balancers' calls count no more than this balancer's own
// calls could have failed.
TEST(LeastBusyTest, FailuresThatOthersSawDoNotKeepAMemberOut) {
  StrategyMembers members = StrategyMembers::Equal(2);
  ListedStrategy strategy = members.Make(kKind);
  members[0].load->failures += 1000000;
  int on_failed = 0;
  for (int i = 0; i < 1000; ++i) on_failed += strategy.Pick() == 0;
  EXPECT_NEAR(on_failed, 500, 100);
}

TEST(LeastBusyTest, FailuresBeforeTheStrategyWasMadeDoNotCount) {
  StrategyMembers members = StrategyMembers::Equal(2);
  members[0].load->failures = 1000;
  members.SetInFlight(1, 1);
  EXPECT_EQ(members.Make(kKind).Pick(), 0u);
}

// Member 0 comes back without calls, and refuses each call with the probability
// 1 - `admitted`, as in slow start.  Returns its share.
double ShareInSlowStart(size_t members, double admitted) {
  StrategyMembers all = StrategyMembers::Equal(members);
  ListedStrategy strategy = all.Make(kKind);
  const std::vector<uint32_t> refusing = {all[0].id};
  const size_t in_flight = 20 * members;
  FastRandom random(1);
  std::deque<size_t> running;
  constexpr int kPicks = 50000;
  int on_it = 0;
  for (int i = 0; i < kPicks; ++i) {
    size_t picked = strategy.Pick();
    if (picked == 0 && random.Fraction() >= admitted) {
      PickRequest again;
      again.not_admitting = refusing;
      picked = strategy.Pick(again);
      EXPECT_NE(picked, 0u);
    }
    on_it += picked == 0;
    ++all[picked].load->in_flight;
    running.push_back(picked);
    if (running.size() > in_flight) {
      --all[running.front()].load->in_flight;
      running.pop_front();
    }
  }
  return static_cast<double>(on_it) / kPicks;
}

TEST(LeastBusyTest, AMemberInSlowStartGetsOnlyWhatItAdmitsOfItsShare) {
  for (const size_t members : {2, 4, 10, 32, 100}) {
    for (const double admitted : {0.1, 0.3, 0.5, 0.9}) {
      const double share = admitted / static_cast<double>(members);
      // The others share what it refuses.
      EXPECT_NEAR(ShareInSlowStart(members, admitted), share, 0.25 * share)
          << members << " members, " << admitted << " admitted";
    }
  }
}

// One of four backends fails each call after 0.5 ms; the others take 5 ms.
TEST(LeastBusySimulation, ABackendThatFailsFastGetsNoMoreThanItsShare) {
  for (const size_t clients : {1, 5}) {
    testing::SimulationOptions options;
    options.config.strategy = kKind;
    options.backends = 4;
    options.clients = clients;
    options.calls_at_a_time = 100;
    options.arrival_rate = 10000;
    testing::LatencySimulation simulation(options);
    simulation.Run(absl::Seconds(1));
    simulation.SetFailing(0, true);
    EXPECT_LT(simulation.Run(absl::Seconds(2)).Share(0), 0.28) << clients;
    simulation.SetFailing(0, false);
    simulation.Run(absl::Milliseconds(100));
    EXPECT_NEAR(simulation.Run(absl::Seconds(1)).Share(0), 0.25, 0.02)
        << clients;
  }
}

}  // namespace
}  // namespace multi_backend
