// Tests attempts: where calls go, what their ends tell about a backend, which
// call becomes the trial of a backend that comes back, and what happens if a
// picked connection is lost before the call uses it.
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/try_timeout_message.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"

namespace multi_backend {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";
constexpr char kC[] = "10.0.0.3:80";

const absl::Status kReset = absl::UnavailableError("reset");

// Failed calls may take the only backend out.
constexpr char kPassive[] =
    R"({"health":{"passive":{"downRetryAfter":"1s","maxEjectedPercent":100}}})";
const absl::Status kFine = absl::OkStatus();

void Connect(PolicyHarness& harness, const std::vector<std::string>& list) {
  ASSERT_EQ(harness.Update(list), absl::OkStatus());
  for (const std::string& one : list) harness.Connect(one);
  harness.TakeEvents();
  harness.channel().TakeUpdates();
}

// Makes calls that end at once, until `count` have failed on `address` with
// `status`.  Calls on other backends succeed.
void FailOn(PolicyHarness& harness, const std::string& address, int count,
            const absl::Status& status = kReset) {
  for (int failed = 0; failed < count;) {
    FakeCall& call = harness.Call();
    ASSERT_TRUE(call.sent()) << call.Outcome();
    const bool here = call.backend() == address;
    harness.Finish(call, here ? status : kFine);
    failed += here;
  }
}

std::map<std::string, int> Spread(PolicyHarness& harness, int calls) {
  std::map<std::string, int> spread;
  for (int i = 0; i < calls; ++i) ++spread[harness.RoundTrip()];
  return spread;
}

int64_t InFlight(PolicyHarness& harness, const std::string& address) {
  for (const BackendSnapshot& backend : harness.pool().GetAllBackends()) {
    if (backend.address == address) return backend.in_flight;
  }
  return -1;
}

// --- Counting ----------------------------------------------------------------

TEST(AttemptTest, IsInFlightFromItsStartToItsEnd) {
  for (const bool with_context : {true, false}) {
    PolicyHarness::Options options;
    options.with_context = with_context;
    PolicyHarness harness(options);
    Connect(harness, {kA});
    FakeCall& one = harness.Call();
    FakeCall& other = harness.Call();
    EXPECT_EQ(InFlight(harness, kA), 2);
    harness.Finish(one, kReset);
    EXPECT_EQ(InFlight(harness, kA), 1);
    harness.End(other);
    EXPECT_EQ(InFlight(harness, kA), 0) << "dropped without an end";
    const BackendSnapshot backend = harness.pool().GetAllBackends()[0];
    EXPECT_EQ(backend.calls, 2u);
    EXPECT_EQ(backend.failures, 1u);
  }
}

// Core's retry filter reads the status of any trailers.
TEST(AttemptTest, TrailersWithoutAStatusOfGrpcAreMended) {
  for (const bool with_context : {true, false}) {
    PolicyHarness::Options options;
    options.with_context = with_context;
    PolicyHarness harness(options);
    Connect(harness, {kA});
    const absl::Status none = absl::UnknownError("");
    FakeCall& bare = harness.Call();
    harness.Finish(bare, none);
    EXPECT_THAT(bare.trailers(),
                ElementsAre(Pair("grpc-message",
                                 "the backend ended the call without a "
                                 "grpc-status"),
                            Pair("grpc-status", "2")));
    FakeCall& with_message = harness.Call();
    harness.Finish(with_message, none, {{"grpc-message", "why"}});
    EXPECT_THAT(
        with_message.trailers(),
        ElementsAre(Pair("grpc-message", "why"), Pair("grpc-status", "2")));
    FakeCall& complete = harness.Call();
    harness.Finish(complete, kReset, {{"grpc-status", "14"}});
    EXPECT_THAT(complete.trailers(), ElementsAre(Pair("grpc-status", "14")));
    for (const char* odd : {"17", "46", "-1", "2147483647"}) {
      FakeCall& call = harness.Call();
      harness.Finish(call, none, {{"grpc-status", odd}});
      EXPECT_THAT(call.trailers(), ElementsAre(Pair("grpc-status", "2")));
    }
    FakeCall& good = harness.Call();
    harness.Finish(good);
    EXPECT_THAT(good.trailers(), IsEmpty());
  }
}

TEST(AttemptTest, RoundRobinGoesRoundWithAndWithoutContexts) {
  for (const bool with_context : {true, false}) {
    PolicyHarness::Options options;
    options.with_context = with_context;
    PolicyHarness harness(options);
    Connect(harness, {kA, kB, kC});
    EXPECT_THAT(Spread(harness, 30),
                ElementsAre(std::pair<const std::string, int>(kA, 10),
                            std::pair<const std::string, int>(kB, 10),
                            std::pair<const std::string, int>(kC, 10)));
  }
}

TEST(AttemptTest, ARoleGetsTheCallsThatAreForIt) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({"10.0.0.1:80 role=primary", "10.0.0.2:80"}),
            absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  FakeCallOptions write;
  write.label.role = "primary";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(harness.RoundTrip(write), kA);
  harness.MarkUnhealthy(kA);
  EXPECT_THAT(harness.RoundTrip(write),
              StartsWith("UNAVAILABLE: multi_backend: no usable backend with "
                         "role \"primary\""));
  write.label.when_unavailable = WhenUnavailable::kAny;
  EXPECT_EQ(harness.RoundTrip(write), kB);
}

TEST(AttemptTest, AKeyStaysWithItsBackend) {
  PolicyHarness harness(R"({"strategy":"STICKY"})");
  Connect(harness, {kA, kB, kC});
  FakeCallOptions keyed;
  keyed.label.key_hash = 0x1234567890abcdef;
  const std::string owner = harness.RoundTrip(keyed);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(harness.RoundTrip(keyed), owner);
}

// --- Marks -------------------------------------------------------------------

TEST(MarkTest, ActsOnTheNextPickBeforeAnyPublication) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  // Marks the backend in the pool and not through the harness, so that the
  // policy has not reacted yet.
  harness.pool().MarkUnhealthy(kA);
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(harness.RoundTrip(), kB);
}

TEST(MarkTest, LeavesCallsOnTheirWayAlone) {
  PolicyHarness harness;
  Connect(harness, {kA});
  FakeCall& call = harness.Call();
  harness.MarkUnhealthy(kA);
  EXPECT_EQ(InFlight(harness, kA), 1);
  harness.Finish(call);
  EXPECT_EQ(InFlight(harness, kA), 0);
}

// --- Failover ----------------------------------------------------------------

TEST(FailoverTest, TriesEachBackendOnceAndEndsWithTheLastAnswer) {
  PolicyHarness harness(R"({"failover":{"maxRetries":4}})");
  Connect(harness, {kA, kB, kC});
  FakeCall& call = harness.Call();
  std::map<std::string, int> tried;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(call.sent()) << call.Outcome();
    ++tried[call.backend()];
    harness.Finish(call, absl::UnavailableError("reset by " + call.backend()));
    EXPECT_EQ(harness.Retry(call), attempt < 3);
  }
  EXPECT_EQ(tried.size(), 3u);
}

TEST(FailoverTest, TakesNoRetryForAnAnswerOfTheApplication) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  FakeCall& call = harness.Call();
  harness.Finish(call, absl::NotFoundError("no such user"));
  EXPECT_FALSE(harness.Retry(call));
}

TEST(FailoverTest, ObeysTheServersPushback) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  FakeCall& refused = harness.Call();
  harness.Finish(refused, kReset, {{"grpc-retry-pushback-ms", "-1"}});
  EXPECT_FALSE(harness.Retry(refused));
  FakeCall& delayed = harness.Call();
  harness.Finish(delayed, kReset, {{"grpc-retry-pushback-ms", "10"}});
  EXPECT_TRUE(harness.Retry(delayed));
  EXPECT_EQ(delayed.trailers().at("grpc-retry-pushback-ms"), "10");
}

// Core 1.83 never makes a retry after a wait of 0 ms.
TEST(FailoverTest, APushbackOfZeroCountsAsOneMillisecond) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  FakeCall& call = harness.Call();
  harness.Finish(call, kReset, {{"grpc-retry-pushback-ms", "0"}});
  EXPECT_TRUE(harness.Retry(call));
  EXPECT_EQ(call.trailers().at("grpc-retry-pushback-ms"), "1");
  harness.Finish(call, absl::NotFoundError("no such user"),
                 {{"grpc-retry-pushback-ms", "0"}});
  EXPECT_FALSE(harness.Retry(call));
  EXPECT_EQ(call.trailers().at("grpc-retry-pushback-ms"), "0")
      << "the caller sees these";
}

TEST(FailoverTest, ARetryThatWasGrantedIsGrantedOnce) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  FakeCall& call = harness.Call();
  harness.Finish(call, kReset);
  EXPECT_TRUE(call.AllowsRetry());
  EXPECT_FALSE(call.AllowsRetry()) << "nothing was sent in between";
}

// The budget has one retry in 10 seconds.
TEST(FailoverTest, WhatCoreReplaysWithoutAskingIsNoRetry) {
  using Reached = StreamReport::Reached;
  PolicyHarness harness(R"({"strategy":"PRIMARY",
      "failover":{"budget":{"ratio":0,"minRetriesPerSecond":0.1}},
      "health":{"passive":{"enabled":false}}})");
  Connect(harness, {kA});
  FakeCall& call = harness.Call();
  for (int i = 0; i < 3; ++i) {
    harness.FinishUnseen(call, Reached::kNotWritten);
    harness.Replay(call);
    ASSERT_EQ(call.Outcome(), kA) << "its only backend";
  }
  harness.FinishUnseen(call, Reached::kNotSeen);
  harness.Replay(call);
  ASSERT_EQ(call.Outcome(), kA);
  harness.FinishUnseen(call, Reached::kNotSeen);
  EXPECT_FALSE(harness.Retry(call)) << "core replays once what was not seen";

  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kB);
  FakeCall& other = harness.Call();
  harness.Finish(other, kReset);
  EXPECT_TRUE(harness.Retry(other)) << "the replays have cost nothing";
}

TEST(FailoverTest, WaitsForABackendThatIsStillBeingConnected) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& call = harness.Call();
  ASSERT_EQ(call.Outcome(), kA);
  harness.Finish(call, kReset);
  EXPECT_TRUE(harness.Retry(call));
  EXPECT_EQ(call.Outcome(), "queued");
  harness.Connect(kB);
  EXPECT_EQ(call.Outcome(), kB);
}

TEST(FailoverTest, EndsWithTheLastAnswerWhenAConnectionTakesTooLong) {
  for (const bool wait_for_ready : {false, true}) {
    PolicyHarness harness;
    ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
    harness.Connect(kA);
    FakeCallOptions options;
    options.wait_for_ready = wait_for_ready;
    FakeCall& call = harness.Call(options);
    harness.Finish(call, kReset);
    ASSERT_TRUE(harness.Retry(call));
    harness.Advance(absl::Milliseconds(600));
    // Another picker does not begin the time anew.
    ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
    harness.Advance(absl::Milliseconds(399));
    EXPECT_EQ(call.Outcome(), "queued");
    // The policy's timer may be 5 ms late.
    harness.Advance(absl::Milliseconds(6));
    EXPECT_EQ(call.Outcome(), "dropped: UNAVAILABLE: reset");
  }
}

TEST(FailoverTest, WaitsForAConnectionAsLongAsTheConfigurationSays) {
  PolicyHarness patient(R"({"failover":{"maxConnectWait":"20s"}})");
  ASSERT_EQ(patient.Update({kA, kB}), absl::OkStatus());
  patient.Connect(kA);
  FakeCall& waiting = patient.Call();
  patient.Finish(waiting, kReset);
  ASSERT_TRUE(patient.Retry(waiting));
  patient.Advance(absl::Seconds(19.9));
  EXPECT_EQ(waiting.Outcome(), "queued");
  patient.Connect(kB);
  EXPECT_EQ(waiting.Outcome(), kB);

  PolicyHarness hasty(R"({"failover":{"maxConnectWait":"0s"}})");
  ASSERT_EQ(hasty.Update({kA, kB}), absl::OkStatus());
  hasty.Connect(kA);
  FakeCall& ended = hasty.Call();
  hasty.Finish(ended, kReset);
  hasty.Retry(ended);
  EXPECT_EQ(ended.Outcome(), "dropped: UNAVAILABLE: reset");
}

// The application, not this bound, says how long a call without an answer may
// wait.
TEST(FailoverTest, ACallWithoutAnAnswerWaitsForItsConnection) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  FakeCall& call = harness.Call();
  harness.Advance(absl::Minutes(1));
  EXPECT_EQ(call.Outcome(), "queued");
  harness.Connect(kA);
  EXPECT_EQ(call.Outcome(), kA);
}

TEST(FailoverTest, EndsWithTheLastAnswerWhenWhatItWaitedForFails) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& call = harness.Call();
  harness.Finish(call, kReset);
  ASSERT_TRUE(harness.Retry(call));
  harness.Refuse(kB);
  EXPECT_EQ(call.Outcome(), "dropped: UNAVAILABLE: reset");
}

TEST(FailoverTest, KeepsWithinTheBudgetAndTheBudgetComesBackWithTime) {
  PolicyHarness harness(
      R"({"failover":{"budget":{"ratio":0,"minRetriesPerSecond":2}},
          "health":{"passive":{"enabled":false}}})");
  Connect(harness, {kA, kB});
  auto granted = [&harness] {
    int count = 0;
    for (int i = 0; i < 100; ++i) {
      FakeCall& call = harness.Call();
      harness.Finish(call, kReset);
      count += harness.Retry(call);
      if (call.sent()) harness.Finish(call);
    }
    return count;
  };
  const int first = granted();
  EXPECT_GT(first, 0);
  EXPECT_LT(first, 100);
  EXPECT_EQ(granted(), 0) << "used up";
  harness.Advance(absl::Seconds(20));
  EXPECT_EQ(granted(), first);
}

// A server that shuts down says CANCELLED to the calls that it has not given to
// a handler yet, although nobody has cancelled them.
TEST(FailoverTest, ACallThatAServerDropsAtItsShutdownGoesToAnother) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  FakeCall& call = harness.Call();
  const std::string first = call.backend();
  harness.FinishByServer(call, absl::CancelledError("CANCELLED"));
  EXPECT_THAT(call.trailers(),
              ElementsAre(Pair("grpc-message",
                               "the backend has dropped the call, probably "
                               "because it is shutting down"),
                          Pair("grpc-status", "14")));
  ASSERT_TRUE(harness.Retry(call));
  EXPECT_NE(call.backend(), first);
  for (int i = 0; i < 5; ++i) {
    FakeCall& dropped = harness.Call();
    harness.FinishByServer(dropped, absl::CancelledError("CANCELLED"));
    harness.End(dropped);
  }
  EXPECT_EQ(harness.StateOf(kA), "ALIVE") << "its connection says the rest";

  FakeCall& handled = harness.Call();
  harness.FinishByServer(handled, absl::CancelledError("by the handler"));
  EXPECT_THAT(handled.trailers(), Contains(Pair("grpc-status", "1")));
  EXPECT_FALSE(harness.Retry(handled));
}

TEST(FailoverTest, NeverRetriesWhatARouteForbids) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  FakeCallOptions once;
  once.label.retry = RetryMode::kNever;
  FakeCall& call = harness.Call(once);
  harness.Finish(call, kReset);
  EXPECT_FALSE(harness.Retry(call));
}

TEST(FailoverTest, LeavesTheDecisionToTheMethodsOwnRetryPolicy) {
  PolicyHarness harness;
  Connect(harness, {kA});
  FakeCallOptions own_policy;
  own_policy.has_method_retry_policy = true;
  FakeCall& call = harness.Call(own_policy);
  harness.Finish(call, absl::NotFoundError("no such user"));
  ASSERT_TRUE(harness.Retry(call));
  EXPECT_EQ(call.Outcome(), kA) << "its only backend, although it was tried";
}

// Core asks before the attempt's end is reported.
TEST(FailoverTest, ABackendThatTimedOutIsNotTriedAgainUnlessItHadNoTime) {
  PolicyHarness harness(
      R"({"strategy":"PRIMARY","failover":{"perTryTimeout":"1s"}})");
  Connect(harness, {kA, kB});
  FakeCall& slow = harness.Call();
  ASSERT_EQ(slow.Outcome(), kA);
  harness.Advance(absl::Seconds(1));
  ASSERT_TRUE(harness.Retry(slow));
  EXPECT_EQ(slow.Outcome(), kB);
  FakeCall& late = harness.Call();
  ASSERT_EQ(late.Outcome(), kA);
  ASSERT_TRUE(harness.Retry(late));
  EXPECT_EQ(late.Outcome(), kA);
}

// Core 1.83 does not ask when the timeout fires.  The time may also go by
// before the stream is written, for instance behind a full connection; then the
// backend is not to blame, but the retry counts all the same.
TEST(FailoverTest, ARetryAfterATimeoutIsDecidedAtItsPickIfCoreDoesNotAsk) {
  for (const bool unwritten : {false, true}) {
    SCOPED_TRACE(unwritten);
    PolicyHarness harness(
        R"({"strategy":"PRIMARY","failover":{"perTryTimeout":"1s"}})");
    Connect(harness, {kA, kB});
    FakeCall& call = harness.Call();
    for (const char* backend : {kA, kB}) {
      ASSERT_EQ(call.Outcome(), backend);
      harness.Advance(absl::Seconds(1));
      if (unwritten) harness.FinishUnwrittenAtTimeout(call);
      harness.Replay(call);
    }
    EXPECT_EQ(call.Outcome(),
              "dropped: DEADLINE_EXCEEDED: the call's last attempt ran into "
              "failover.perTryTimeout, and no further retry was allowed");
  }
}

// Core does not ask about a call that it has committed.  The budget has one
// retry in 10 seconds.
TEST(FailoverTest, ATimeoutThatCoreDoesNotRetryCostsNoRetry) {
  PolicyHarness harness(R"({"strategy":"PRIMARY",
      "failover":{"perTryTimeout":"1s",
                  "budget":{"ratio":0,"minRetriesPerSecond":0.1}},
      "health":{"passive":{"enabled":false}}})");
  Connect(harness, {kA, kB});
  FakeCallOptions large;
  large.commits_early = true;
  FakeCall& call = harness.Call(large);
  harness.Advance(absl::Seconds(1));
  harness.Finish(call, absl::CancelledError(kCoreTryTimeoutMessage));
  FakeCall& other = harness.Call();
  harness.Finish(other, kReset);
  EXPECT_TRUE(harness.Retry(other)) << "the budget has its retry";
}

// --- Picks that come too late ------------------------------------------------

TEST(BounceTest, ALostConnectionSendsItsCallsElsewhere) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  harness.channel().HoldNotifications();
  harness.Lose(kA);
  FakeCall& one = harness.Call();
  FakeCall& other = harness.Call();
  FakeCall& bounced = one.bounces() > 0 ? one : other;
  EXPECT_EQ(bounced.bounces(), 1);
  EXPECT_EQ(bounced.Outcome(), "queued");
  EXPECT_EQ(InFlight(harness, kA), 0) << "it never started";
  harness.channel().ReleaseNotifications();
  EXPECT_EQ(bounced.Outcome(), kB);
  EXPECT_EQ(harness.pool().GetAllBackends()[0].calls, 0u);
}

TEST(BounceTest, GivesTheTrialBack) {
  PolicyHarness harness(kPassive);
  Connect(harness, {kA});
  FailOn(harness, kA, 3);
  ASSERT_EQ(harness.StateOf(kA), "DOWN");
  harness.Advance(absl::Seconds(1.2));
  ASSERT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  harness.channel().HoldNotifications();
  harness.Lose(kA);
  FakeCall& trial = harness.Call();
  ASSERT_EQ(trial.bounces(), 1);
  harness.channel().ReleaseNotifications();
  harness.Connect(kA);
  EXPECT_EQ(trial.Outcome(), kA) << "the trial is free again";
  harness.Finish(trial);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
}

// Core's timer runs while the call waits for the next picker.
TEST(BounceTest, CountsAsAWaitForABackend) {
  PolicyHarness harness(R"({"strategy":"PRIMARY",
      "failover":{"maxRetries":1,"perTryTimeout":"1s"}})");
  Connect(harness, {kA, kB, kC});
  FakeCall& call = harness.Call();
  ASSERT_EQ(call.Outcome(), kA);
  harness.channel().HoldNotifications();
  harness.Lose(kB);
  harness.Finish(call, kReset);
  ASSERT_TRUE(harness.Retry(call));
  ASSERT_EQ(call.bounces(), 1);
  harness.channel().ReleaseNotifications();
  ASSERT_EQ(call.Outcome(), kC);
  EXPECT_TRUE(harness.Retry(call)) << "the attempt had no time";
  EXPECT_EQ(call.Outcome(), kC);
}

TEST(BounceTest, KeepsTheCallsTurnInABacklog) {
  PolicyHarness harness(R"({"backlog":{}})");
  Connect(harness, {kA});
  harness.channel().HoldNotifications();
  harness.Lose(kA);
  FakeCall& first = harness.Call();
  ASSERT_GE(first.bounces(), 1);
  FakeCall& second = harness.Call();
  EXPECT_EQ(second.bounces(), 0) << "the first one's turn comes before it";
  EXPECT_EQ(second.Outcome(), "queued");
  harness.channel().ReleaseNotifications();
  harness.Connect(kA);
  EXPECT_EQ(first.Outcome(), kA);
  EXPECT_EQ(second.Outcome(), kA);
}

TEST(BounceTest, LeavesRoomOnItsBackend) {
  PolicyHarness harness(R"({"maxRequestsPerBackend":1})");
  Connect(harness, {kA});
  harness.channel().HoldNotifications();
  harness.Lose(kA);
  FakeCall& bounced = harness.Call();
  ASSERT_EQ(bounced.bounces(), 1);
  harness.End(bounced);
  harness.channel().ReleaseNotifications();
  harness.Connect(kA);
  EXPECT_EQ(harness.RoundTrip(), kA);
}

TEST(BounceTest, LeavesNoStreamOnItsConnection) {
  PolicyHarness harness(R"({"pool":{"min":2,"max":2}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA, 0);
  harness.Connect(kA, 1);
  harness.channel().HoldNotifications();
  harness.Lose(kA, 0);
  FakeCall& bounced = harness.Call();
  ASSERT_EQ(bounced.bounces(), 1);
  harness.channel().ReleaseNotifications();
  EXPECT_EQ(bounced.connection(), &harness.Connection(kA, 1));
  harness.Finish(bounced);
  harness.Connect(kA, 0);
  // Among equally loaded connections a call takes the oldest.
  EXPECT_EQ(harness.Call().connection(), &harness.Connection(kA, 0));
}

TEST(BounceTest, IsNoAttemptOfItsCall) {
  PolicyHarness harness(R"({"strategy":"PRIMARY"})");
  Connect(harness, {kA, kB});
  FakeCall& call = harness.Call();
  ASSERT_EQ(call.Outcome(), kA);
  harness.Finish(call, kReset);
  harness.channel().HoldNotifications();
  harness.Lose(kB);
  ASSERT_TRUE(harness.Retry(call));
  ASSERT_EQ(call.bounces(), 1);
  harness.channel().ReleaseNotifications();
  EXPECT_EQ(call.Outcome(), "queued") << "kA was tried, and kB was not";
  harness.Connect(kB);
  EXPECT_EQ(call.Outcome(), kB);
  harness.Finish(call, kReset);
  EXPECT_FALSE(harness.Retry(call)) << "now both were tried";
}

TEST(BounceTest, WithoutAContextSendsTheCallElsewhereToo) {
  PolicyHarness::Options options;
  options.config = R"({"strategy":"PRIMARY"})";
  options.with_context = false;
  PolicyHarness harness(options);
  Connect(harness, {kA, kB});
  harness.channel().HoldNotifications();
  harness.Lose(kA);
  FakeCall& call = harness.Call();
  ASSERT_EQ(call.bounces(), 1);
  harness.channel().ReleaseNotifications();
  EXPECT_EQ(call.Outcome(), kB);
  EXPECT_EQ(InFlight(harness, kA), 0);
}

// --- Trials ------------------------------------------------------------------

TEST(TrialTest, ABackendGoesDownAfterFailuresInARowAndGetsOneTrialAtATime) {
  PolicyHarness harness(kPassive);
  Connect(harness, {kA, kB});
  FailOn(harness, kA, 3);
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY") << "who is down counts";
  EXPECT_EQ(Spread(harness, 10)[kB], 10);
  harness.Advance(absl::Seconds(1.2));
  EXPECT_EQ(harness.StateOf(kA), "DOWN_RETRY");

  FakeCall* trial = nullptr;
  for (int i = 0; i < 10; ++i) {
    FakeCall& call = harness.Call();
    if (call.backend() != kA) continue;
    EXPECT_EQ(trial, nullptr) << "one at a time";
    trial = &call;
  }
  ASSERT_NE(trial, nullptr);
  harness.Finish(*trial);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
  EXPECT_EQ(Spread(harness, 10)[kA], 5);
}

TEST(TrialTest, OneThatIsLostBeginsALongerWait) {
  PolicyHarness harness(kPassive);
  Connect(harness, {kA, kB});
  FailOn(harness, kA, 3);
  harness.Advance(absl::Seconds(1.2));
  FailOn(harness, kA, 1);
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
  harness.Advance(absl::Seconds(1.9));
  EXPECT_EQ(harness.StateOf(kA), "DOWN") << "twice as long as before";
  harness.Advance(absl::Seconds(0.4));
  EXPECT_EQ(harness.StateOf(kA), "DOWN_RETRY");
}

TEST(TrialTest, OneThatHangsIsGivenUpAndAnotherCallIsTheTrial) {
  PolicyHarness harness(kPassive);
  Connect(harness, {kA, kB});
  FailOn(harness, kA, 3);
  harness.Advance(absl::Seconds(1.2));
  FakeCall* hanging = nullptr;
  for (int i = 0; i < 10 && hanging == nullptr; ++i) {
    FakeCall& call = harness.Call();
    if (call.backend() == kA) hanging = &call;
  }
  ASSERT_NE(hanging, nullptr);
  EXPECT_EQ(Spread(harness, 10)[kB], 10);
  harness.Advance(BackendHealth::kTrialPatience);
  EXPECT_EQ(Spread(harness, 2)[kA], 1) << "another trial, which ends well";
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
  harness.Finish(*hanging, kReset);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE") << "it decides nothing any more";
}

TEST(TrialTest, OneThatIsCancelledLeavesTheTrialOpen) {
  PolicyHarness harness(kPassive);
  Connect(harness, {kA});
  FailOn(harness, kA, 3);
  harness.Advance(absl::Seconds(1.2));
  FakeCall& trial = harness.Call();
  ASSERT_EQ(trial.Outcome(), kA);
  EXPECT_THAT(harness.RoundTrip(), StartsWith("UNAVAILABLE"));
  harness.End(trial);
  EXPECT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  EXPECT_EQ(harness.RoundTrip(), kA);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
}

TEST(TrialTest, ARetryIsTheTrialOnlyWhenItHasNotTriedTheBackend) {
  PolicyHarness harness(kPassive);
  Connect(harness, {kA, kB});
  FakeCall& call = harness.Call();
  const std::string first = call.backend();
  const std::string other = first == kA ? kB : kA;
  FailOn(harness, first, 3);
  harness.Advance(absl::Seconds(1.2));
  ASSERT_EQ(harness.StateOf(first), "DOWN_RETRY");
  harness.Finish(call, kReset);
  ASSERT_TRUE(harness.Retry(call));
  EXPECT_EQ(call.Outcome(), other);
}

// --- What calls alone may take out
// --------------------------------------------

TEST(EjectionTest, ThreeFailuresInARowTakeABackendOutByDefault) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  FailOn(harness, kA, 3);
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
  EXPECT_EQ(Spread(harness, 10)[kB], 10);
  harness.Advance(absl::Seconds(1.2));
  EXPECT_EQ(harness.StateOf(kA), "DOWN_RETRY");
}

TEST(EjectionTest, CanBeTurnedOff) {
  PolicyHarness harness(R"({"health":{"passive":{"enabled":false}}})");
  Connect(harness, {kA, kB});
  FailOn(harness, kA, 10);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
}

TEST(EjectionTest, TheOnlyBackendIsNeverTakenOut) {
  PolicyHarness harness;
  Connect(harness, {kA});
  FailOn(harness, kA, 20);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
  EXPECT_EQ(harness.RoundTrip(), kA);
}

TEST(EjectionTest, HalfOfTheBackendsAtMostAreTakenOut) {
  PolicyHarness harness(R"({"strategy":"PRIMARY"})");
  Connect(harness, {kA, kB, kC});
  FailOn(harness, kA, 3);
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
  FailOn(harness, kB, 9);
  EXPECT_EQ(harness.StateOf(kB), "ALIVE") << "1 of 3 is the most";
  harness.MarkHealthy(kA);
  harness.MarkUnhealthy(kA);
  FailOn(harness, kB, 3);
  EXPECT_EQ(harness.StateOf(kB), "DOWN") << "a mark is not of calls";
}

TEST(EjectionTest, EachBalancerKeepsItsHalf) {
  PolicyHarness harness;
  ASSERT_EQ(
      harness.Update({"10.0.0.1:80 role=primary", "10.0.0.2:80 role=replica",
                      "10.0.0.3:80 role=replica"}),
      absl::OkStatus());
  for (const char* one : {kA, kB, kC}) harness.Connect(one);
  FailOn(harness, kA, 6);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE") << "the only one of its role";
  FailOn(harness, kB, 3);
  EXPECT_EQ(harness.StateOf(kB), "DOWN");
}

TEST(EjectionTest, EachChannelOfASharedPoolKeepsItsHalf) {
  const auto options = PolicyHarness::Options::WithSharedPool();
  PolicyHarness one(options);
  PolicyHarness other(options);
  Connect(one, {kA});
  Connect(other, {kA, kB});
  FailOn(other, kA, 9);
  EXPECT_EQ(one.StateOf(kA), "ALIVE") << "one channel has no other";
  one.ShutDown();
  FailOn(other, kA, 3);
  EXPECT_EQ(other.StateOf(kA), "DOWN");
}

TEST(EjectionTest, AListThatBecomesShorterBringsBackWhatIsTooMany) {
  PolicyHarness harness;
  Connect(harness, {kA, kB});
  FailOn(harness, kA, 3);
  ASSERT_EQ(harness.StateOf(kA), "DOWN");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
  EXPECT_EQ(harness.RoundTrip(), kA);
  EXPECT_EQ(harness.TakeEvents().back(),
            "10.0.0.1:80: DOWN -> ALIVE: too many backends of its balancer "
            "were out");
}

// --- Overload ----------------------------------------------------------------

TEST(OverloadTest, AnOverloadedBackendGetsCallsOnlyWhenNoOtherIsUsable) {
  PolicyHarness harness(R"({"health":{"passive":{"overloadedFor":"3s"}}})");
  Connect(harness, {kA, kB});
  FailOn(harness, kA, 1, absl::ResourceExhaustedError("busy"));
  EXPECT_EQ(harness.StateOf(kA), "OVERLOADED");
  EXPECT_EQ(Spread(harness, 6)[kB], 6);
  harness.MarkUnhealthy(kB);
  EXPECT_EQ(harness.RoundTrip({}, absl::ResourceExhaustedError("busy")), kA);
  harness.MarkHealthy(kB);
  harness.Advance(absl::Seconds(3.1));
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
}

// --- Slow start --------------------------------------------------------------

TEST(SlowStartTest, ABackendThatComesBackGetsAGrowingShare) {
  PolicyHarness harness(R"({"health":{"slowStart":"10s"}})");
  Connect(harness, {kA, kB});
  EXPECT_EQ(Spread(harness, 100)[kA], 50) << "a first start is no return";
  harness.MarkUnhealthy(kA);
  harness.MarkHealthy(kA);
  // kA lets a share of the calls through whose turn it is; the others go to kB,
  // after which it is kA's turn again.  Plans draw their seed at random.  The
  // bounds are five standard deviations, so at most two runs in a million fail.
  struct Row {
    absl::Duration after;
    double share;
  };
  const Row rows[] = {{absl::Milliseconds(0), 0.1},
                      {absl::Seconds(2), 0.2},
                      {absl::Seconds(5), 0.5},
                      {absl::Seconds(9), 0.9}};
  absl::Duration passed;
  for (const Row& row : rows) {
    harness.Advance(row.after - passed);
    passed = row.after;
    const double expected = 2000 * row.share / (1 + row.share);
    EXPECT_NEAR(Spread(harness, 2000)[kA], expected, 5 * std::sqrt(expected))
        << row.after;
  }
  harness.Advance(absl::Seconds(10) - passed);
  EXPECT_EQ(Spread(harness, 100)[kA], 50);
}

TEST(SlowStartTest, OneAfterAFailureToConnectBeginsWhenItIsConnected) {
  PolicyHarness harness(R"({"health":{"slowStart":"10s"}})");
  Connect(harness, {kA, kB});
  harness.Lose(kA);
  harness.Refuse(kA);
  harness.Advance(absl::Seconds(30));
  harness.EndBackoff(kA);
  harness.Connect(kA);
  EXPECT_LT(Spread(harness, 200)[kA], 50);
  harness.Advance(absl::Seconds(10));
  EXPECT_EQ(Spread(harness, 100)[kA], 50);
}

TEST(SlowStartTest, TheOnlyBackendGetsAllCalls) {
  PolicyHarness harness(R"({"health":{"slowStart":"10s"}})");
  Connect(harness, {kA});
  harness.MarkUnhealthy(kA);
  harness.MarkHealthy(kA);
  EXPECT_EQ(Spread(harness, 100)[kA], 100);
}

// --- PRIMARY's hold-down -----------------------------------------------------

constexpr char kHoldDown[] =
    R"({"strategy":"PRIMARY","primary":{"holdDown":"10s"}})";

TEST(HoldDownTest, CountsFromTheReturnAfterAFailure) {
  PolicyHarness harness(kHoldDown);
  Connect(harness, {kA, kB});
  EXPECT_EQ(harness.RoundTrip(), kA) << "no waiting at the start";
  harness.Advance(absl::Seconds(60));
  harness.Lose(kA);
  harness.Refuse(kA);
  EXPECT_EQ(harness.RoundTrip(), kB);
  harness.EndBackoff(kA);
  harness.Connect(kA);
  EXPECT_EQ(harness.RoundTrip(), kB);
  harness.Advance(absl::Seconds(9.9));
  EXPECT_EQ(harness.RoundTrip(), kB);
  harness.Advance(absl::Seconds(0.2));
  EXPECT_EQ(harness.RoundTrip(), kA);
}

TEST(HoldDownTest, CountsFromTheReturnOfALostConnection) {
  PolicyHarness harness(kHoldDown);
  Connect(harness, {kA, kB});
  harness.Advance(absl::Seconds(60));
  harness.Lose(kA);
  EXPECT_EQ(harness.RoundTrip(), kB);
  harness.Connect(kA);
  EXPECT_EQ(harness.RoundTrip(), kB);
  harness.Advance(absl::Seconds(10.1));
  EXPECT_EQ(harness.RoundTrip(), kA);
}

// --- The failure rate --------------------------------------------------------

TEST(FailureRateTest, ABackendThatFailsTooOftenIsEjectedAtTheNextCheck) {
  PolicyHarness harness(R"({"health":{"passive":{"unhealthyAfter":1000,
      "failureRate":{"threshold":0.5,"window":"10s","minCalls":20}}}})");
  Connect(harness, {kA, kB});
  harness.Advance(absl::Seconds(1.1));  // The first sample sets the baseline.
  FailOn(harness, kA, 20);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
  harness.Advance(absl::Seconds(1.1));
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
  EXPECT_EQ(harness.StateOf(kB), "ALIVE");
}

}  // namespace
}  // namespace multi_backend
