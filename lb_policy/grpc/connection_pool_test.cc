// Tests backends with several connections, pools with several channels, and the
// events of each.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/growing_pool.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"

namespace multi_backend {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";
constexpr char kC[] = "10.0.0.3:80";

constexpr char kGrowing[] = R"({"pool":{"min":1,"max":3,"idleTimeout":"10s",
    "maxStreamsPerConnection":2}})";

// --- Growth ------------------------------------------------------------------

TEST(ConnectionPoolTest, OpensTheLeastNumberAtOnceAndEachIsAnotherOne) {
  PolicyHarness harness(R"({"pool":{"min":3,"max":3}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  ASSERT_EQ(harness.connections(kA), 3u);
  std::set<std::string> args;
  for (size_t i = 0; i < 3; ++i) {
    args.insert(harness.Connection(kA, i).args().ToString());
  }
  EXPECT_EQ(args.size(), 3u) << "core shares those with equal args";
  harness.channel().TakeUpdates();
  harness.Connect(kA, 1);
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
  EXPECT_EQ(harness.RoundTrip(), kA);
  EXPECT_EQ(harness.TakeEvents(), std::vector<std::string>())
      << "the number that was asked for is no event";
}

TEST(ConnectionPoolTest, CallsGoToTheLeastLoadedConnection) {
  PolicyHarness harness(R"({"pool":{"min":2,"max":2}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA, 0);
  harness.Connect(kA, 1);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  EXPECT_NE(first.connection(), second.connection());
  harness.Finish(second);
  FakeCall& third = harness.Call();
  EXPECT_EQ(third.connection(), second.connection());
}

TEST(ConnectionPoolTest, GrowsByOneWhenAllAreFullUpToItsMost) {
  PolicyHarness harness(kGrowing);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  harness.TakeEvents();
  harness.Call();
  EXPECT_EQ(harness.connections(kA), 1u);
  harness.Call();
  EXPECT_EQ(harness.connections(kA), 2u);
  EXPECT_THAT(harness.TakeEvents(),
              ElementsAre("10.0.0.1:80: 1 -> 2: all connections are full"));
  harness.Call();
  EXPECT_EQ(harness.connections(kA), 2u) << "one is being connected";
  EXPECT_THAT(harness.TakeEvents(), IsEmpty());
  harness.Connect(kA, 1);
  harness.Call();
  EXPECT_EQ(harness.connections(kA), 3u);
  harness.Connect(kA, 2);
  for (int i = 0; i < 10; ++i) harness.Call();
  EXPECT_EQ(harness.connections(kA), 3u);
  EXPECT_THAT(harness.TakeEvents(),
              ElementsAre("10.0.0.1:80: 2 -> 3: all connections are full"));
}

TEST(ConnectionPoolTest, ShrinksToItsLeastWhenConnectionsAreIdle) {
  PolicyHarness harness(kGrowing);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  harness.Connect(kA, 1);
  FakeCall& third = harness.Call();
  EXPECT_EQ(third.connection(), &harness.Connection(kA, 1));
  harness.TakeEvents();
  harness.Finish(first);
  harness.Finish(second);
  harness.Advance(absl::Seconds(30));
  EXPECT_EQ(harness.connections(kA), 2u) << "a stream is still there";
  harness.Finish(third);
  harness.Advance(absl::Seconds(9.9));
  EXPECT_EQ(harness.connections(kA), 2u);
  // The policy checks for idle connections every quarter of the timeout.
  harness.Advance(absl::Seconds(5));
  EXPECT_EQ(harness.connections(kA), 1u);
  EXPECT_THAT(harness.TakeEvents(),
              ElementsAre("10.0.0.1:80: 2 -> 1: idle, or could not be "
                          "connected"));
  EXPECT_EQ(harness.RoundTrip(), kA);
}

TEST(ConnectionPoolTest, OneMoreThatIsRefusedLeavesTheBackendUp) {
  PolicyHarness harness(kGrowing);
  OpenSecondConnection(harness, kA);
  harness.Refuse(kA, "too many", 1);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
  EXPECT_EQ(harness.RoundTrip(), kA);
}

TEST(ConnectionPoolTest, OneMoreThatIsRefusedIsClosedAndTriedAgainLater) {
  PolicyHarness harness(kGrowing);
  OpenSecondConnection(harness, kA);
  harness.Refuse(kA, "too many", 1);
  harness.Advance(absl::Seconds(9));
  EXPECT_EQ(harness.connections(kA), 2u);
  // The policy checks for idle connections every quarter of the timeout.
  for (int i = 0; i < 8 && harness.connections(kA) == 2; ++i) {
    harness.Advance(absl::Milliseconds(500));
  }
  ASSERT_EQ(harness.connections(kA), 1u);
  harness.Call();
  EXPECT_EQ(harness.connections(kA), 1u) << "not at once";
  harness.Advance(absl::Seconds(1));
  harness.Call();
  EXPECT_EQ(harness.connections(kA), 2u);
}

TEST(ConnectionPoolTest, OneMoreThatConnectsAgainAfterAFailureIsClosedToo) {
  PolicyHarness harness(kGrowing);
  OpenSecondConnection(harness, kA);
  harness.Refuse(kA, "too many", 1);
  harness.EndBackoff(kA, 1);
  ASSERT_EQ(harness.Connection(kA, 1).state(), GRPC_CHANNEL_CONNECTING);
  harness.Advance(absl::Seconds(13));
  EXPECT_EQ(harness.connections(kA), 1u);
}

TEST(ConnectionPoolTest, OneMoreLeavesAFailedBackendFailedUntilItIsReady) {
  PolicyHarness harness(R"({"pool":{"min":1,"max":2}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Refuse(kA);
  ASSERT_EQ(harness.UpdateConfig(R"({"pool":{"min":2,"max":2}})"),
            absl::OkStatus());
  ASSERT_EQ(harness.connections(kA), 2u);
  EXPECT_EQ(harness.channel().state(), GRPC_CHANNEL_TRANSIENT_FAILURE);
  EXPECT_THAT(harness.RoundTrip(), HasSubstr("refused"));
  harness.Connect(kA, 1);
  EXPECT_EQ(harness.channel().state(), GRPC_CHANNEL_READY);
  EXPECT_EQ(harness.RoundTrip(), kA);
}

TEST(ConnectionPoolTest, ABackendThatLeavesAndComesBackBeginsWithItsLeast) {
  PolicyHarness harness(kGrowing);
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& first = harness.Call();
  harness.Call();
  harness.Connect(kA, 1);
  ASSERT_EQ(harness.connections(kA), 2u);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_EQ(harness.connections(kA), 2u) << "a list that keeps it";
  ASSERT_EQ(harness.Update({kB}), absl::OkStatus());
  EXPECT_EQ(harness.connections(kA), 0u);
  harness.Finish(first);
  ASSERT_EQ(harness.Update({kB, kA}), absl::OkStatus());
  EXPECT_EQ(harness.connections(kA), 1u);
}

TEST(ConnectionPoolTest, ALostConnectionLeavesItsCallsToTheOthers) {
  PolicyHarness harness(R"({"pool":{"min":2,"max":2}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA, 0);
  harness.Connect(kA, 1);
  harness.TakeEvents();
  harness.channel().TakeUpdates();
  harness.Lose(kA, 0);
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(harness.Call().connection(), &harness.Connection(kA, 1));
  }
  harness.Connect(kA, 0);
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
  EXPECT_EQ(harness.Call().connection(), &harness.Connection(kA, 0));
  EXPECT_THAT(harness.TakeEvents(), IsEmpty());
}

TEST(ConnectionPoolTest, TheEndClosesAllConnections) {
  PolicyHarness harness(kGrowing);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  harness.Call();
  FakeCall& second = harness.Call();
  ASSERT_EQ(harness.connections(kA), 2u);
  harness.ShutDown();
  EXPECT_EQ(harness.connections(kA), 0u);
  harness.Finish(second);
}

TEST(ConnectionPoolTest, TheBackendIsDownWhenAllItsConnectionsAre) {
  PolicyHarness harness(R"({"pool":{"min":2,"max":2}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA, 0);
  harness.Connect(kA, 1);
  harness.Lose(kA, 0);
  EXPECT_EQ(harness.RoundTrip(), kA);
  harness.Refuse(kA, "gone", 0);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
  harness.Lose(kA, 1);
  harness.Refuse(kA, "gone too", 1);
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
  EXPECT_THAT(harness.RoundTrip(), HasSubstr("gone"));
}

TEST(ConnectionPoolTest, AnotherConfigOpensAndClosesConnections) {
  PolicyHarness harness(R"({"pool":{"min":1,"max":1}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  ASSERT_EQ(harness.UpdateConfig(R"({"pool":{"min":2,"max":2}})"),
            absl::OkStatus());
  EXPECT_EQ(harness.connections(kA), 2u);
  harness.Connect(kA, 1);
  ASSERT_EQ(
      harness.UpdateConfig(R"({"pool":{"min":1,"max":2,"idleTimeout":"1s"}})"),
      absl::OkStatus());
  harness.Advance(absl::Seconds(2));
  EXPECT_EQ(harness.connections(kA), 1u);
}

TEST(ConnectionPoolTest, AConfigWithoutAPoolClosesAllButOneConnection) {
  PolicyHarness harness(R"({"pool":{"min":2,"max":2}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA, 0);
  harness.Connect(kA, 1);
  ASSERT_EQ(harness.UpdateConfig("{}"), absl::OkStatus());
  harness.Advance(absl::Seconds(60));
  EXPECT_EQ(harness.connections(kA), 1u);
}

TEST(ConnectionPoolTest, ABackendsOwnPoolTakesThePlaceOfTheChannels) {
  PolicyHarness harness(R"({"pool":{"min":2,"max":2},"backends":[
      {"address":"10.0.0.1:80","pool":{"min":1,"max":3,
       "maxStreamsPerConnection":1}}]})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  EXPECT_EQ(harness.connections(kA), 1u);
  EXPECT_EQ(harness.connections(kB), 2u);
  harness.Connect(kA);
  FakeCall& first = harness.Call();
  ASSERT_EQ(first.Outcome(), kA);
  EXPECT_EQ(harness.connections(kA), 2u) << "its connection is full";
  harness.Finish(first);
}

TEST(ConnectionPoolTest, ABackendMayBeTheOnlyOneWithAPool) {
  PolicyHarness harness(R"({"backends":[{"address":"10.0.0.1:80",
      "pool":{"min":1,"max":2,"maxStreamsPerConnection":1}}]})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  std::vector<FakeCall*> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(&harness.Call());
  EXPECT_EQ(harness.connections(kA), 2u);
  EXPECT_EQ(harness.connections(kB), 1u);
  harness.Connect(kA, 1);
  for (FakeCall* call : calls) harness.Finish(*call);
  // A new configuration takes the pool away.
  ASSERT_EQ(harness.UpdateConfig("{}"), absl::OkStatus());
  harness.Advance(absl::Seconds(60));
  EXPECT_EQ(harness.connections(kA), 1u);
}

// --- Idle connections and channels -------------------------------------------

TEST(IdleTest, AConnectionThatGoesIdleIsConnectedAgainAtOnce) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  const int asked = harness.Connection(kA).connection_requests();
  harness.Lose(kA);
  EXPECT_EQ(harness.Connection(kA).connection_requests(), asked + 1);
  EXPECT_EQ(harness.Connection(kA).state(), GRPC_CHANNEL_CONNECTING);
  FakeCall& waiting = harness.Call();
  EXPECT_EQ(waiting.Outcome(), "queued");
  harness.Connect(kA);
  EXPECT_EQ(waiting.Outcome(), kA);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
}

// Core destroys the policy of a channel that has been idle for long, and makes
// another one for the next call.  The pool stays.
TEST(IdleTest, AChannelsNextPolicyBeginsAnewInTheSamePool) {
  const auto options = PolicyHarness::Options::WithSharedPool();
  {
    PolicyHarness before(options);
    ASSERT_EQ(before.Update({kA, kB}), absl::OkStatus());
    before.Connect(kA);
    before.Refuse(kB);
    EXPECT_EQ(before.StateOf(kB), "DOWN");
  }
  EXPECT_THAT(options.pool->GetAllBackends(), IsEmpty());
  PolicyHarness after(options);
  ASSERT_EQ(after.Update({kA, kB}), absl::OkStatus());
  EXPECT_EQ(after.channel().TakeUpdates(), "CONNECTING");
  EXPECT_EQ(after.StateOf(kB), "ALIVE");
  after.Connect(kB);
  EXPECT_EQ(after.RoundTrip(), kB);
}

TEST(IdleTest, WhatWasDecidedHoldsForTheNextPolicy) {
  const auto options =
      PolicyHarness::Options::WithSharedPool(R"({"health":{"passive":{}}})");
  {
    PolicyHarness before(options);
    ASSERT_EQ(before.Update({kA, kB, kC}), absl::OkStatus());
    for (const char* one : {kA, kB, kC}) before.Connect(one);
    before.MarkUnhealthy(kA);
    while (before.StateOf(kB) != "DOWN") {
      FakeCall& call = before.Call();
      before.Finish(call, call.backend() == kB ? absl::UnavailableError("reset")
                                               : absl::OkStatus());
    }
  }
  PolicyHarness after(options);
  ASSERT_EQ(after.Update({kA, kB, kC}), absl::OkStatus());
  for (const char* one : {kA, kB, kC}) after.Connect(one);
  EXPECT_EQ(after.StateOf(kA), "DOWN");
  EXPECT_EQ(after.StateOf(kB), "DOWN");
  for (int i = 0; i < 6; ++i) EXPECT_EQ(after.RoundTrip(), kC);
  after.Advance(absl::Seconds(1.2));
  EXPECT_EQ(after.StateOf(kA), "DOWN");
  EXPECT_EQ(after.StateOf(kB), "DOWN_RETRY");
}

TEST(IdleTest, AnotherChannelsBackendsKeepTheirHealthMeanwhile) {
  const auto options = PolicyHarness::Options::WithSharedPool();
  PolicyHarness other(options);
  ASSERT_EQ(other.Update({kA, kB}), absl::OkStatus());
  {
    PolicyHarness before(options);
    ASSERT_EQ(before.Update({kA, kB}), absl::OkStatus());
    before.MarkUnhealthy(kA);
  }
  EXPECT_EQ(other.StateOf(kA), "DOWN");
  PolicyHarness after(options);
  ASSERT_EQ(after.Update({kA, kB}), absl::OkStatus());
  after.Connect(kA);
  after.Connect(kB);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(after.RoundTrip(), kB);
  EXPECT_EQ(other.TakeEvents().size(), 1u) << "the mark";
}

// --- Each event once ---------------------------------------------------------

TEST(EventTest, AConnectionsLifeIsOneEventForEachChangeOfState) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_THAT(harness.TakeEvents(), IsEmpty());
  harness.Refuse(kA);
  harness.EndBackoff(kA);
  harness.Refuse(kA, "refused again");
  harness.EndBackoff(kA);
  harness.Connect(kA);
  harness.Lose(kA);
  harness.Connect(kA);
  EXPECT_THAT(harness.TakeEvents(),
              ElementsAre("10.0.0.1:80: ALIVE -> DOWN: refused",
                          "10.0.0.1:80: DOWN -> ALIVE: connected"));
}

TEST(EventTest, GoesIntoTheChannelsTraceOnce) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Refuse(kA);
  EXPECT_THAT(
      harness.channel().TakeTraces(),
      ElementsAre("multi_backend: 10.0.0.1:80: ALIVE -> DOWN: refused"));
  harness.EndBackoff(kA);
  EXPECT_THAT(harness.channel().TakeTraces(), IsEmpty());
  harness.MarkUnhealthy(kA);
  harness.MarkHealthy(kA);
  EXPECT_THAT(harness.channel().TakeTraces(), IsEmpty())
      << "it was DOWN, and is";
}

TEST(EventTest, OfASharedPoolIsOneEventAndInEachChannelsTrace) {
  const auto options = PolicyHarness::Options::WithSharedPool();
  PolicyHarness one(options);
  PolicyHarness other(options);
  for (PolicyHarness* channel : {&one, &other}) {
    ASSERT_EQ(channel->Update({kA, kB}), absl::OkStatus());
    channel->Connect(kA);
    channel->Connect(kB);
    channel->channel().TakeUpdates();
  }
  one.MarkUnhealthy(kA);
  const auto is_it =
      "multi_backend: 10.0.0.1:80: ALIVE -> DOWN: marked unhealthy: manual";
  EXPECT_EQ(one.TakeEvents().size(), 1u);
  for (PolicyHarness* channel : {&one, &other}) {
    EXPECT_THAT(channel->channel().TakeTraces(), ElementsAre(is_it));
    EXPECT_EQ(channel->channel().TakeUpdates(), "READY");
    EXPECT_EQ(channel->RoundTrip(), kB);
  }
}

TEST(EventTest, FromBeforeAChannelWasMadeIsNotInItsTrace) {
  const auto options = PolicyHarness::Options::WithSharedPool();
  PolicyHarness one(options);
  ASSERT_EQ(one.Update({kA}), absl::OkStatus());
  one.Refuse(kA);
  PolicyHarness other(options);
  ASSERT_EQ(other.Update({kA, kB}), absl::OkStatus());
  EXPECT_THAT(other.channel().TakeTraces(), IsEmpty());
  other.Refuse(kB, "gone");
  EXPECT_THAT(other.channel().TakeTraces(),
              ElementsAre("multi_backend: 10.0.0.2:80: ALIVE -> DOWN: gone"));
}

TEST(EventTest, AChannelThatConnectsAgainIsNotConnectedForThePool) {
  const auto options = PolicyHarness::Options::WithSharedPool();
  PolicyHarness one(options);
  PolicyHarness other(options);
  for (PolicyHarness* channel : {&one, &other}) {
    ASSERT_EQ(channel->Update({kA}), absl::OkStatus());
    channel->Connect(kA);
  }
  other.Lose(kA);
  other.Refuse(kA);
  EXPECT_EQ(one.StateOf(kA), "ALIVE");
  one.Lose(kA);
  EXPECT_EQ(one.StateOf(kA), "DOWN");
  one.Connect(kA);
  EXPECT_EQ(one.StateOf(kA), "ALIVE");
  EXPECT_THAT(one.TakeEvents(),
              ElementsAre("10.0.0.1:80: ALIVE -> DOWN: refused",
                          "10.0.0.1:80: DOWN -> ALIVE: connected"));
}

TEST(EventTest, ABackendIsDownForAPoolWhenNoneOfItsChannelsIsConnected) {
  const auto options = PolicyHarness::Options::WithSharedPool();
  PolicyHarness one(options);
  PolicyHarness other(options);
  for (PolicyHarness* channel : {&one, &other}) {
    ASSERT_EQ(channel->Update({kA}), absl::OkStatus());
  }
  one.Connect(kA);
  other.Refuse(kA);
  EXPECT_EQ(one.StateOf(kA), "ALIVE");
  EXPECT_EQ(one.RoundTrip(), kA);
  EXPECT_THAT(other.RoundTrip(), HasSubstr("refused"));
  one.Lose(kA);
  one.Refuse(kA, "gone");
  EXPECT_THAT(one.TakeEvents(),
              ElementsAre("10.0.0.1:80: ALIVE -> DOWN: refused"));
}

TEST(EventTest, AChannelThatStartsIsNotInPanic) {
  PolicyHarness harness(R"({"health":{"active":{},"panicThreshold":60}})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  // Nor is one that connects again.
  harness.Lose(kA);
  harness.Lose(kB);
  harness.Connect(kB);
  harness.Connect(kA);
  EXPECT_THAT(harness.TakeEvents(), IsEmpty());
  harness.Lose(kA);
  harness.Refuse(kA);
  EXPECT_THAT(harness.TakeEvents(),
              Contains("root: off -> on: fewer than 60 % are usable"));
}

TEST(EventTest, ABackendOnTrialDoesNotEndPanic) {
  PolicyHarness harness(R"({"health":{"passive":{},"panicThreshold":60}})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  while (harness.StateOf(kA) != "DOWN") {
    FakeCall& call = harness.Call();
    harness.Finish(call, call.backend() == kA ? absl::UnavailableError("reset")
                                              : absl::OkStatus());
  }
  EXPECT_THAT(harness.TakeEvents(),
              Contains("root: off -> on: fewer than 60 % are usable"));
  harness.Advance(absl::Seconds(1.2));
  ASSERT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  EXPECT_THAT(harness.TakeEvents(), ElementsAre(HasSubstr("DOWN_RETRY")));
  while (harness.StateOf(kA) != "ALIVE") {
    FakeCall& call = harness.Call();
    harness.Finish(call);
  }
  EXPECT_THAT(harness.TakeEvents(),
              Contains("root: on -> off: 60 % are usable again"));
}

TEST(EventTest, PanicIsTwoEventsAndTheIllGetCallsMeanwhile) {
  PolicyHarness harness(R"({"health":{"active":{},"panicThreshold":60}})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  harness.TakeEvents();
  for (int i = 0; i < 3; ++i) harness.Probe(kA, false);
  EXPECT_THAT(harness.TakeEvents(),
              Contains("root: off -> on: fewer than 60 % are usable").Times(1));
  std::set<std::string> used;
  for (int i = 0; i < 4; ++i) used.insert(harness.RoundTrip());
  EXPECT_EQ(used.size(), 2u);
  for (int i = 0; i < 2; ++i) harness.Probe(kA, true);
  EXPECT_THAT(harness.TakeEvents(),
              Contains("root: on -> off: 60 % are usable again").Times(1));
}

}  // namespace
}  // namespace multi_backend
