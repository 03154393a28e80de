#include "multi_backend/lb_policy/strategies/primary/primary.h"

#include "gtest/gtest.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using testing::ListedStrategy;
using testing::RequestThatTried;
using testing::StrategyMembers;

BalancerConfig Config(absl::Duration hold_down) {
  BalancerConfig config;
  config.strategy = StrategyKind::kPrimary;
  config.hold_down = hold_down;
  return config;
}

// Makes a member usable as the control plane does: it also records the time.
void ComeBack(StrategyMembers& members, size_t i) {
  members[i].load->usable_since_nanos.store(members.clock().NowNanos());
  members.SetUsable(i, true);
}

TEST(PrimaryTest, TakesTheSmallestPriorityAndThenTheOrderOfTheList) {
  StrategyMembers members = StrategyMembers::Equal(4);
  members[0].priority = 2;
  members[1].priority = 1;
  members[2].priority = 1;
  members[3].priority = -5;
  ListedStrategy strategy =
      members.Make(Config(absl::ZeroDuration()), members.Everybody());
  for (const size_t expected : {3, 1, 2, 0}) {
    EXPECT_EQ(strategy.Pick(), expected);
    members.SetUsable(expected, false);
  }
  EXPECT_EQ(strategy.Pick(), Strategy::kNone);
}

TEST(PrimaryTest, WithoutHoldDownFailsBackAtOnceAndReadsNoClock) {
  StrategyMembers members = StrategyMembers::Equal(2);
  ListedStrategy strategy =
      members.Make(Config(absl::ZeroDuration()), members.Everybody());
  members.SetUsable(0, false);
  EXPECT_EQ(strategy.Pick(), 1u);
  members[0].load->usable_since_nanos.store(0);
  members.SetUsable(0, true);
  EXPECT_EQ(strategy.Pick(), 0u);
  EXPECT_EQ(members.clock().reads(), 0);
}

TEST(PrimaryTest, FailsBackOnlyAfterHoldDown) {
  StrategyMembers members = StrategyMembers::Equal(2);
  ListedStrategy strategy =
      members.Make(Config(absl::Seconds(10)), members.Everybody());
  EXPECT_EQ(strategy.Pick(), 0u);
  members.SetUsable(0, false);
  EXPECT_EQ(strategy.Pick(), 1u);
  ComeBack(members, 0);
  EXPECT_EQ(strategy.Pick(), 1u);
  members.clock().Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_EQ(strategy.Pick(), 1u);
  members.clock().Advance(absl::Nanoseconds(1));
  EXPECT_EQ(strategy.Pick(), 0u);
}

TEST(PrimaryTest, AMemberThatComesAndGoesStartsItsHoldDownAgain) {
  StrategyMembers members = StrategyMembers::Equal(2);
  ListedStrategy strategy =
      members.Make(Config(absl::Seconds(10)), members.Everybody());
  for (int i = 0; i < 5; ++i) {
    members.SetUsable(0, false);
    EXPECT_EQ(strategy.Pick(), 1u);
    members.clock().Advance(absl::Seconds(1));
    ComeBack(members, 0);
    members.clock().Advance(absl::Seconds(9));
    EXPECT_EQ(strategy.Pick(), 1u);
  }
}

TEST(PrimaryTest, WhenTheCurrentOneFailsTakesAnUnsettledOneRatherThanNone) {
  StrategyMembers members = StrategyMembers::Equal(2);
  ListedStrategy strategy =
      members.Make(Config(absl::Seconds(10)), members.Everybody());
  members.SetUsable(0, false);
  EXPECT_EQ(strategy.Pick(), 1u);
  ComeBack(members, 0);
  members.SetUsable(1, false);
  EXPECT_EQ(strategy.Pick(), 0u);
}

TEST(PrimaryTest, WhenTheCurrentOneFailsPrefersASettledOne) {
  StrategyMembers members = StrategyMembers::Equal(3);
  ListedStrategy strategy =
      members.Make(Config(absl::Seconds(10)), members.Everybody());
  members.SetUsable(0, false);
  EXPECT_EQ(strategy.Pick(), 1u);
  ComeBack(members, 0);
  members.SetUsable(1, false);
  EXPECT_EQ(strategy.Pick(), 2u);
  members.clock().Advance(absl::Seconds(10));
  EXPECT_EQ(strategy.Pick(), 0u);
}

TEST(PrimaryTest, AMemberTriedByOneCallStaysCurrentForTheOthers) {
  StrategyMembers members = StrategyMembers::Equal(3);
  ListedStrategy strategy =
      members.Make(Config(absl::Seconds(10)), members.Everybody());
  EXPECT_EQ(strategy.Pick(), 0u);
  EXPECT_EQ(strategy.Pick(RequestThatTried(members, {0})), 1u);
  EXPECT_EQ(strategy.Pick(RequestThatTried(members, {0, 1})), 2u);
  EXPECT_EQ(strategy.Pick(), 0u);
}

TEST(PrimaryTest, AMemberThatRefusesOneCallStaysCurrentForTheOthers) {
  StrategyMembers members = StrategyMembers::Equal(2);
  ListedStrategy strategy =
      members.Make(Config(absl::Seconds(10)), members.Everybody());
  EXPECT_EQ(strategy.Pick(), 0u);
  // As in slow start: were it not the current one, it would be held down.
  ComeBack(members, 0);
  const uint32_t not_admitting[] = {members[0].id};
  PickRequest request;
  request.not_admitting = not_admitting;
  EXPECT_EQ(strategy.Pick(request), 1u);
  EXPECT_EQ(strategy.Pick(), 0u);
}

TEST(PrimaryTest, ASuccessorKeepsTheCurrentMember) {
  StrategyMembers members = StrategyMembers::Equal(3);
  ListedStrategy strategy = members.Make(Config(absl::Seconds(10)), {1, 2});
  EXPECT_EQ(strategy.Pick(), 1u);
  // A better one joins; it has just become usable.
  members.clock().Advance(absl::Seconds(100));
  ComeBack(members, 0);
  strategy = members.MakeNext(strategy, {0, 1, 2});
  EXPECT_EQ(strategy.Pick(), 1u);
  strategy = members.MakeNext(strategy, {2, 0, 1});
  EXPECT_EQ(strategy.Pick(), 2u);  // It is settled and first in the new order.
  members.clock().Advance(absl::Seconds(10));
  strategy = members.MakeNext(strategy, {0, 1, 2});
  EXPECT_EQ(strategy.Pick(), 0u);
}

TEST(PrimaryTest, AtTheStartTheFirstUsableOneIsTakenWithoutHoldDown) {
  StrategyMembers members = StrategyMembers::Equal(2);
  members.clock().Advance(absl::Seconds(5));
  for (size_t i = 0; i < 2; ++i) ComeBack(members, i);
  ListedStrategy strategy =
      members.Make(Config(absl::Seconds(10)), members.Everybody());
  EXPECT_EQ(strategy.Pick(), 0u);
}

}  // namespace
}  // namespace multi_backend
