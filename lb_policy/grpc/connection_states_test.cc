// Tests what the policy does in each state of a backend's connection, and how
// it reacts to each event in each of these states.
#include <functional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"

namespace multi_backend {
namespace {

using ::testing::Combine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::ValuesIn;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";
constexpr char kC[] = "10.0.0.3:80";

// Turns on everything that a row may need.  Failed calls may take the only
// backend out.
constexpr char kConfig[] =
    R"({"health":{"active":{},"passive":{"maxEjectedPercent":100}}})";
constexpr char kOtherConfig[] =
    R"({"strategy":"LEAST_BUSY","health":{"active":{},"passive":{"maxEjectedPercent":100}}})";

constexpr char kBacklogConfig[] =
    R"({"backlog":{},"health":{"active":{},"passive":{"maxEjectedPercent":100}}})";
constexpr char kPoolConfig[] =
    R"({"pool":{"min":2,"max":2},"health":{"active":{},"passive":{"maxEjectedPercent":100}}})";

constexpr char kStateAgain[] = "as the state";
constexpr char kUnusable[] = "nobody is usable";
constexpr char kMayWait[] = "another backend is being connected";
constexpr char kFails[] = "UNAVAILABLE: multi_backend: no usable backend";

// --- Each state, and what may happen in it -----------------------------------

struct StateCase {
  const char* name;
  // Takes kA from CONNECTING to the state.
  void (*enter)(PolicyHarness&);
  const char* outcome;  // The prefix of a pick's outcome.
  const char* reported;
};

std::ostream& operator<<(std::ostream& out, const StateCase& state) {
  return out << state.name;
}

const StateCase kStates[] = {
    {"Connecting", [](PolicyHarness&) {}, "queued", "CONNECTING"},
    {"Ready", [](PolicyHarness& harness) { harness.Connect(kA); }, kA, "READY"},
    {"Lost",
     [](PolicyHarness& harness) {
       harness.Connect(kA);
       harness.Lose(kA);
     },
     "queued", "CONNECTING"},
    {"Failed", [](PolicyHarness& harness) { harness.Refuse(kA); }, kFails,
     "TRANSIENT_FAILURE"},
    // Calls do not wait for a connection that has just failed.
    {"ConnectingAgainAfterAFailure",
     [](PolicyHarness& harness) {
       harness.Refuse(kA);
       harness.EndBackoff(kA);
     },
     kFails, "TRANSIENT_FAILURE"},
    {"FailedAfterALoss",
     [](PolicyHarness& harness) {
       harness.Connect(kA);
       harness.Lose(kA);
       harness.Refuse(kA);
     },
     kFails, "TRANSIENT_FAILURE"},
    // The policy has not seen the first state of the connection, so it has not
    // asked core to connect it.
    {"Idle",
     [](PolicyHarness& harness) {
       harness.channel().HoldNotifications();
       EXPECT_EQ(harness.Update({kB}), absl::OkStatus());
       EXPECT_EQ(harness.Update({kA}), absl::OkStatus());
       EXPECT_EQ(harness.Connection(kA).state(), GRPC_CHANNEL_IDLE);
     },
     "queued", "CONNECTING"},
    // The policy still believes that the backend is READY, so picks bounce.
    {"LostWithoutTheNews",
     [](PolicyHarness& harness) {
       harness.Connect(kA);
       harness.channel().HoldNotifications();
       harness.Lose(kA);
     },
     "queued", "READY"},
};

enum class Kept { kYes, kNo };

struct ActionCase {
  const char* name;
  void (*act)(PolicyHarness&);
  // Whether kA keeps its connection.
  Kept kept;
  // The prefix of a pick's outcome; "" = the same as in the state, kMayWait =
  // the same, but calls wait where they would fail.
  const char* outcome;
  // What the policy publishes: "" = nothing, kStateAgain = the state once more,
  // kUnusable = READY or TRANSIENT_FAILURE, kMayWait = READY or CONNECTING,
  // null = anything.
  const char* published;
  // The prefix of a pick's outcome when all connections are READY later.
  const char* connected;
};

std::ostream& operator<<(std::ostream& out, const ActionCase& action) {
  return out << action.name;
}

std::string Outcome(const ActionCase& action, const StateCase& state) {
  const std::string outcome = action.outcome;
  if (outcome.empty()) return state.outcome;
  if (outcome != kMayWait) return outcome;
  return state.outcome == std::string(kFails) ? "queued" : state.outcome;
}

// The states that the policy should publish.  With kUnusable no call can be
// served, but the channel is READY if a connection is.
std::string Published(const ActionCase& action, const StateCase& state) {
  const std::string published = action.published;
  if (published == kStateAgain) return state.reported;
  if (published != kUnusable && published != kMayWait) return published;
  if (state.reported == std::string("READY")) return "READY";
  return published == kMayWait ? "CONNECTING" : "TRANSIENT_FAILURE";
}

const ActionCase kActions[] = {
    {"TheSameListAgain",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kA}), absl::OkStatus());
     },
     Kept::kYes, "", "", kA},
    {"AnotherWeight",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({"10.0.0.1:80 weight=2000"}), absl::OkStatus());
     },
     Kept::kYes, "", kStateAgain, kA},
    {"AListWithOneMore",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kA, kB}), absl::OkStatus());
     },
     Kept::kYes, kMayWait, kMayWait, "10.0.0."},
    {"TheSameConfigAgain",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.UpdateConfig(kConfig), absl::OkStatus());
     },
     Kept::kYes, "", "", kA},
    {"AnotherConfig",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.UpdateConfig(kOtherConfig), absl::OkStatus());
     },
     Kept::kYes, "", kStateAgain, kA},
    {"AConfigWithoutHealth",
     [](PolicyHarness& harness) {
       EXPECT_EQ(
           harness.UpdateConfig(R"({"health":{"passive":{"enabled":false}}})"),
           absl::OkStatus());
     },
     Kept::kYes, "", kStateAgain, kA},
    {"AListWithoutIt",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kB}), absl::OkStatus());
       EXPECT_EQ(harness.connections(kA), 0u);
       EXPECT_EQ(harness.StateOf(kA), "unknown");
     },
     Kept::kNo, "queued", "CONNECTING", kB},
    {"AListWithoutItAndOneWithIt",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kB}), absl::OkStatus());
       EXPECT_EQ(harness.Update({kA}), absl::OkStatus());
     },
     Kept::kNo, "queued", "CONNECTING CONNECTING", kA},
    {"AFailedResolution",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.FailResolution(absl::NotFoundError("no such name")),
                 absl::NotFoundError("no such name"));
     },
     Kept::kYes, "", "", kA},
    {"AnEmptyList",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.EmptyResolution("nobody there"),
                 absl::UnavailableError("empty address list: nobody there"));
     },
     Kept::kYes, "", "", kA},
    {"AMark", [](PolicyHarness& harness) { harness.MarkUnhealthy(kA); },
     Kept::kYes, kFails, kUnusable, kFails},
    {"AMarkThatIsLifted",
     [](PolicyHarness& harness) {
       harness.MarkUnhealthy(kA);
       harness.MarkHealthy(kA);
     },
     Kept::kYes, "", nullptr, kA},
    {"FailedProbes",
     [](PolicyHarness& harness) {
       for (int i = 0; i < 3; ++i) harness.Probe(kA, false);
     },
     Kept::kYes, kFails, kUnusable, kFails},
    {"FailedProbesAndGoodOnes",
     [](PolicyHarness& harness) {
       for (int i = 0; i < 3; ++i) harness.Probe(kA, false);
       for (int i = 0; i < 2; ++i) harness.Probe(kA, true);
     },
     Kept::kYes, "", nullptr, kA},
    // The probe may end a backoff, which ReachedTest checks, but a connection
    // that has failed stays failed until it is READY.
    {"AGoodProbe", [](PolicyHarness& harness) { harness.Probe(kA, true); },
     Kept::kYes, "", "", kA},
    {"ExitIdle", [](PolicyHarness& harness) { harness.ExitIdle(); }, Kept::kYes,
     "", "", kA},
};

// Connects everything that the policy wants connected.
void ConnectAll(PolicyHarness& harness) {
  harness.channel().ReleaseNotifications();
  for (const char* address : {kA, kB}) {
    for (size_t i = 0; i < harness.connections(address); ++i) {
      const FakeSubchannel& connection = harness.Connection(address, i);
      if (connection.state() == GRPC_CHANNEL_TRANSIENT_FAILURE) {
        harness.EndBackoff(address, i);
      }
      if (connection.state() == GRPC_CHANNEL_CONNECTING) {
        harness.Connect(address, i);
      }
      EXPECT_EQ(connection.state(), GRPC_CHANNEL_READY);
    }
  }
}

// Expects that each change of kA's state is one event: each event begins where
// the one before it has ended.
void ExpectEachChangeOnce(PolicyHarness& harness) {
  std::string state = "ALIVE";
  for (const PoolEvent& event : harness.pool().GetEvents()) {
    if (event.who != kA) continue;
    EXPECT_EQ(event.from, state) << event.ToString();
    EXPECT_NE(event.from, event.to) << event.ToString();
    state = event.to;
  }
  EXPECT_EQ(harness.StateOf(kA), state);
}

class ConnectionStateTest
    : public ::testing::TestWithParam<std::tuple<StateCase, ActionCase>> {};

INSTANTIATE_TEST_SUITE_P(
    Cases, ConnectionStateTest, Combine(ValuesIn(kStates), ValuesIn(kActions)),
    [](const ::testing::TestParamInfo<std::tuple<StateCase, ActionCase>>&
           info) {
      return std::string(std::get<0>(info.param).name) + "Then" +
             std::get<1>(info.param).name;
    });

TEST_P(ConnectionStateTest, MeetsAnEvent) {
  const StateCase& state = std::get<0>(GetParam());
  const ActionCase& action = std::get<1>(GetParam());
  PolicyHarness harness(kConfig);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_EQ(harness.channel().TakeUpdates(), "CONNECTING");
  EXPECT_EQ(harness.Connection(kA).state(), GRPC_CHANNEL_CONNECTING);
  state.enter(harness);
  EXPECT_STREQ(grpc_core::ConnectivityStateName(harness.channel().state()),
               state.reported);
  EXPECT_THAT(harness.RoundTrip(), StartsWith(state.outcome));

  FakeSubchannel* const before = &harness.Connection(kA);
  // Keep the subchannel alive, so that a new one cannot get the same address.
  const auto keep = before->Ref();
  harness.channel().TakeUpdates();
  action.act(harness);

  EXPECT_EQ(harness.connections(kA) == 1 && &harness.Connection(kA) == before,
            action.kept == Kept::kYes);
  EXPECT_THAT(harness.RoundTrip(), StartsWith(Outcome(action, state)));
  const std::string published = harness.channel().TakeUpdates();
  if (action.published != nullptr) {
    EXPECT_EQ(published, Published(action, state));
  }
}

TEST_P(ConnectionStateTest, MeetsAnEventAndIsConnectedLater) {
  const ActionCase& action = std::get<1>(GetParam());
  for (const char* config : {kConfig, kBacklogConfig, kPoolConfig}) {
    SCOPED_TRACE(config);
    PolicyHarness harness(config);
    ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
    std::get<0>(GetParam()).enter(harness);
    FakeCall& call = harness.PatientCall();
    const bool waited = !call.sent();
    action.act(harness);

    ConnectAll(harness);
    const bool served = action.connected != kFails;
    if (served) {
      EXPECT_THAT(harness.RoundTrip(), StartsWith(action.connected));
    }
    if (waited) {
      EXPECT_THAT(call.Outcome(),
                  StartsWith(served ? action.connected : "queued"));
    }
    EXPECT_EQ(harness.channel().state(), GRPC_CHANNEL_READY);
    if (action.kept == Kept::kYes) ExpectEachChangeOnce(harness);
  }
}

TEST_P(ConnectionStateTest, MeetsAnEventAndTheEnd) {
  PolicyHarness harness(kConfig);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  std::get<0>(GetParam()).enter(harness);
  FakeCall& call = harness.Call();
  std::get<1>(GetParam()).act(harness);
  harness.channel().TakeUpdates();
  harness.ShutDown();
  harness.End(call);
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
  EXPECT_EQ(harness.StateOf(kA), "unknown");
  EXPECT_THAT(harness.pool().GetHealthyBackends(), IsEmpty());
}

// --- A probe that reaches what a channel could not ---------------------------

struct ReachedCase {
  const char* name;
  void (*enter)(PolicyHarness&);
  int resets;
};

std::ostream& operator<<(std::ostream& out, const ReachedCase& reached) {
  return out << reached.name;
}

const ReachedCase kReachedCases[] = {
    {"Connecting", [](PolicyHarness&) {}, 0},
    {"Ready", [](PolicyHarness& harness) { harness.Connect(kA); }, 0},
    {"Failed", [](PolicyHarness& harness) { harness.Refuse(kA); }, 1},
    {"ConnectingAgainAfterAFailure",
     [](PolicyHarness& harness) {
       harness.Refuse(kA);
       harness.EndBackoff(kA);
     },
     1},
};

class ReachedTest : public ::testing::TestWithParam<ReachedCase> {};

INSTANTIATE_TEST_SUITE_P(Cases, ReachedTest, ValuesIn(kReachedCases),
                         [](const ::testing::TestParamInfo<ReachedCase>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(ReachedTest, ByAProbeEndsTheBackoffOfAFailedConnectionOnly) {
  PolicyHarness harness(kConfig);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  GetParam().enter(harness);
  const int before = harness.Connection(kA).backoff_resets();
  harness.Probe(kA, true);
  EXPECT_EQ(harness.Connection(kA).backoff_resets(),
            before + GetParam().resets);
  EXPECT_NE(harness.Connection(kA).state(), GRPC_CHANNEL_TRANSIENT_FAILURE);
}

TEST_P(ReachedTest, TheApplicationEndsTheBackoffOfAFailedConnectionOnly) {
  PolicyHarness harness(kConfig);
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Refuse(kB);
  GetParam().enter(harness);
  const int before = harness.Connection(kA).backoff_resets();
  const int others = harness.Connection(kB).backoff_resets();
  harness.time().RunInCore(
      [&] { EXPECT_EQ(harness.pool().ResetBackoff(kA), absl::OkStatus()); });
  EXPECT_EQ(harness.Connection(kA).backoff_resets(),
            before + GetParam().resets);
  EXPECT_EQ(harness.Connection(kB).backoff_resets(), others);
}

// --- Publishing --------------------------------------------------------------

// Runs the steps in one callback of the serializer, as core does when it makes
// the connections of a list.
void InOneGo(PolicyHarness& harness,
             const std::vector<std::function<void()>>& steps) {
  harness.time().RunInCore([&] {
    harness.channel().serializer()->Run(
        [&] {
          for (const auto& step : steps) step();
        },
        DEBUG_LOCATION);
  });
}

TEST(PublishingTest, OneUpdateOfTheListIsOnePicker) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  EXPECT_EQ(harness.channel().TakeUpdates(), "CONNECTING");
}

TEST(PublishingTest, TheFirstReadyIsPublishedAtOnceAndLaterOnesTogether) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  harness.channel().TakeUpdates();
  FakeCall& waiting = harness.Call();
  EXPECT_EQ(waiting.Outcome(), "queued");
  InOneGo(harness, {[&] { harness.Connection(kA).BecomeReady(); },
                    [&] { harness.Connection(kB).BecomeReady(); },
                    [&] { harness.Connection(kC).BecomeReady(); }});
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY READY");
  EXPECT_EQ(waiting.Outcome(), kA);
}

TEST(PublishingTest, TheFirstReadyAfterALossOfAllIsPublishedAtOnceToo) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  for (const char* one : {kA, kB, kC}) harness.Connect(one);
  for (const char* one : {kA, kB, kC}) harness.Lose(one);
  FakeCall& waiting = harness.Call();
  EXPECT_EQ(waiting.Outcome(), "queued");
  harness.channel().TakeUpdates();
  InOneGo(harness, {[&] { harness.Connection(kA).BecomeReady(); },
                    [&] { harness.Connection(kB).BecomeReady(); },
                    [&] { harness.Connection(kC).BecomeReady(); }});
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY READY");
  EXPECT_EQ(waiting.Outcome(), kA);
}

TEST(PublishingTest, ReadyOnesWhileAnotherIsReadyAreOnePicker) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  harness.Connect(kA);
  harness.channel().TakeUpdates();
  InOneGo(harness, {[&] { harness.Connection(kB).BecomeReady(); },
                    [&] { harness.Connection(kC).BecomeReady(); }});
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
}

TEST(PublishingTest, TheConnectionsOfALongListArePublishedTogether) {
  constexpr size_t kBackends = 1000;
  PolicyHarness harness;
  ASSERT_EQ(harness.UpdateAddresses(PolicyDriver::Addresses(kBackends)),
            absl::OkStatus());
  harness.channel().TakeUpdates();
  harness.Connect("10.0.0.1:50051");
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY") << "the first one";
  harness.Connect("10.0.0.2:50051");
  harness.Connect("10.0.0.3:50051");
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
  // A loss waits for nobody, and the plan has the new ones, too.
  harness.Lose("10.0.0.1:50051");
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
  harness.Connect("10.0.0.4:50051");
  harness.Connect("10.0.0.5:50051");
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
  harness.time().Advance(absl::Milliseconds(10));
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
  harness.time().Advance(absl::Seconds(1));
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
}

TEST(PublishingTest, FailuresThatComeTogetherAreOnePicker) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  for (const char* one : {kA, kB, kC}) harness.Connect(one);
  harness.channel().TakeUpdates();
  InOneGo(harness, {[&] { harness.Connection(kA).LoseConnection(); },
                    [&] { harness.Connection(kB).LoseConnection(); },
                    [&] { harness.Connection(kC).LoseConnection(); }});
  EXPECT_EQ(harness.channel().TakeUpdates(), "CONNECTING");
}

TEST(PublishingTest, WhatChangesNothingPublishesNothing) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.channel().TakeUpdates();
  // The move from IDLE to CONNECTING publishes nothing, because the policy
  // counts both as connecting.
  harness.Connect(kB);
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
  harness.ResetBackoff();
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
}

TEST(PublishingTest, AnotherOrderOfTheListIsPublished) {
  PolicyHarness harness(R"({"strategy":"PRIMARY"})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  EXPECT_EQ(harness.RoundTrip(), kA);
  harness.channel().TakeUpdates();
  ASSERT_EQ(harness.Update({kB, kA}), absl::OkStatus());
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
  EXPECT_EQ(harness.RoundTrip(), kB);
}

TEST(PublishingTest, AChannelsFirstConnectionAfterAllFailedEndsTheirBackoff) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB, kC}), absl::OkStatus());
  for (const char* one : {kA, kB, kC}) harness.Refuse(one);
  EXPECT_EQ(harness.channel().state(), GRPC_CHANNEL_TRANSIENT_FAILURE);
  harness.EndBackoff(kA);
  EXPECT_EQ(harness.Connection(kB).backoff_resets(), 0);
  harness.Connect(kA);
  EXPECT_EQ(harness.Connection(kB).backoff_resets(), 1);
  EXPECT_EQ(harness.Connection(kC).backoff_resets(), 1);
  EXPECT_EQ(harness.Connection(kB).state(), GRPC_CHANNEL_CONNECTING);
  harness.Connect(kB);
  EXPECT_EQ(harness.Connection(kC).backoff_resets(), 1) << "not the first";
}

TEST(PublishingTest, ResetBackoffReachesEveryConnection) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kB);
  harness.Refuse(kA);
  const int before = harness.Connection(kB).backoff_resets();
  harness.ResetBackoff();
  EXPECT_EQ(harness.Connection(kA).backoff_resets(), before + 1);
  EXPECT_EQ(harness.Connection(kB).backoff_resets(), before + 1);
  EXPECT_EQ(harness.Connection(kA).state(), GRPC_CHANNEL_CONNECTING);
}

// --- Re-resolution -----------------------------------------------------------

TEST(ReresolutionTest, IsAskedForOnEachLossAndNotOnTheFirstNews) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_EQ(harness.channel().TakeReresolutions(), 0) << "IDLE at first";
  harness.Connect(kA);
  EXPECT_EQ(harness.channel().TakeReresolutions(), 0);
  harness.Lose(kA);
  EXPECT_EQ(harness.channel().TakeReresolutions(), 1);
  harness.Refuse(kA);
  EXPECT_EQ(harness.channel().TakeReresolutions(), 1);
}

TEST(ReresolutionTest, IsNotAskedForByAConnectionThatHadFailedBefore) {
  PolicyHarness harness;
  harness.channel().set_first_state(GRPC_CHANNEL_TRANSIENT_FAILURE);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_EQ(harness.channel().TakeReresolutions(), 0);
  EXPECT_THAT(harness.RoundTrip(), HasSubstr("failed before"));
}

// --- Lists that say nothing --------------------------------------------------

TEST(KeptListTest, AFailedResolutionSaysThatTheListIsKept) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.channel().TakeTraces();
  EXPECT_FALSE(harness.FailResolution(absl::NotFoundError("no name")).ok());
  EXPECT_THAT(harness.channel().TakeTraces(),
              ElementsAre("multi_backend: keeping the last good list of 2 "
                          "backends: no name"));
  EXPECT_FALSE(harness.EmptyResolution("nobody").ok());
  EXPECT_THAT(harness.channel().TakeTraces(),
              ElementsAre("multi_backend: keeping the last good list of 2 "
                          "backends: empty address list: nobody"));
}

TEST(KeptListTest, WithoutAnyListCallsFailWithTheReason) {
  PolicyHarness harness;
  EXPECT_FALSE(harness.FailResolution(absl::NotFoundError("no name")).ok());
  EXPECT_EQ(harness.channel().TakeUpdates(), "TRANSIENT_FAILURE");
  EXPECT_EQ(harness.RoundTrip(),
            "UNAVAILABLE: multi_backend: no endpoints, the call was not sent: "
            "no name");
  EXPECT_THAT(harness.channel().TakeTraces(), IsEmpty());
  FakeCall& waiting = harness.PatientCall();
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_EQ(harness.channel().TakeUpdates(), "CONNECTING");
  harness.Connect(kA);
  EXPECT_EQ(waiting.Outcome(), kA);
}

TEST(KeptListTest, AnEmptyFirstListFailsCallsWithItsNoteToo) {
  PolicyHarness harness;
  EXPECT_FALSE(harness.EmptyResolution("nobody there").ok());
  EXPECT_EQ(harness.channel().TakeUpdates(), "TRANSIENT_FAILURE");
  EXPECT_EQ(harness.RoundTrip(),
            "UNAVAILABLE: multi_backend: no endpoints, the call was not sent: "
            "empty address list: nobody there");
  EXPECT_FALSE(harness.FailResolution(absl::NotFoundError("no name")).ok());
  EXPECT_EQ(harness.channel().TakeUpdates(), "TRANSIENT_FAILURE");
  EXPECT_THAT(harness.RoundTrip(), HasSubstr("no name")) << "the newest reason";
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_EQ(harness.channel().TakeUpdates(), "CONNECTING");
}

TEST(KeptListTest, TheKeptListIsFollowedUntilAnotherComes) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  EXPECT_FALSE(harness.EmptyResolution("nobody").ok());
  EXPECT_FALSE(harness.FailResolution(absl::NotFoundError("no name")).ok());
  harness.channel().TakeUpdates();
  harness.Lose(kA);
  harness.Connect(kB);
  EXPECT_EQ(harness.channel().TakeUpdates(), "CONNECTING READY");
  EXPECT_EQ(harness.RoundTrip(), kB);
  const auto before = harness.Connection(kB).Ref();
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  EXPECT_EQ(harness.channel().TakeUpdates(), "") << "it is the list it had";
  EXPECT_EQ(&harness.Connection(kB), before.get());
  ASSERT_EQ(harness.Update({kB}), absl::OkStatus());
  EXPECT_EQ(harness.connections(kA), 0u);
}

TEST(KeptListTest, AConfigThatComesWithAFailedResolutionCounts) {
  PolicyHarness harness(R"({"strategy":"PRIMARY"})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  harness.channel().TakeUpdates();
  EXPECT_FALSE(harness
                   .FailResolutionWithConfig(absl::NotFoundError("no name"),
                                             R"({"strategy":"ROUND_ROBIN"})")
                   .ok());
  EXPECT_EQ(harness.channel().TakeUpdates(), "READY");
  const std::string first = harness.RoundTrip();
  EXPECT_NE(first, harness.RoundTrip());
}

// --- Connections that end at once --------------------------------------------

class FruitlessConnectionTest : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& list) {
    ASSERT_EQ(harness_.Update(list), absl::OkStatus());
  }
  // Makes and loses `count` connections of `address`.
  void ConnectAndLose(const char* address, int count) {
    for (int i = 0; i < count; ++i) {
      harness_.Connect(address);
      harness_.Lose(address);
    }
  }
  bool Waits(const char* address) {
    return harness_.Connection(address).state() == GRPC_CHANNEL_IDLE;
  }

  PolicyHarness harness_{kConfig};
};

TEST_F(FruitlessConnectionTest, TheThirdInARowCountsAsAFailureAndWaits) {
  ASSERT_NO_FATAL_FAILURE(Start({kA}));
  ConnectAndLose(kA, 2);
  EXPECT_FALSE(Waits(kA));
  EXPECT_EQ(harness_.Call().Outcome(), "queued");
  ConnectAndLose(kA, 1);
  EXPECT_TRUE(Waits(kA));
  EXPECT_EQ(harness_.StateOf(kA), "DOWN");
  EXPECT_THAT(harness_.RoundTrip(),
              HasSubstr("the last 3 connections ended at once, before a call "
                        "was answered; the next attempt is in "));
  harness_.Advance(absl::Seconds(0.75));  // A second, less the jitter.
  EXPECT_TRUE(Waits(kA));
  harness_.Advance(absl::Seconds(0.5));
  EXPECT_FALSE(Waits(kA));
  ConnectAndLose(kA, 1);
  harness_.Advance(absl::Seconds(1.25));  // 1.6 seconds, less the jitter.
  EXPECT_TRUE(Waits(kA));
  harness_.Advance(absl::Seconds(0.75));
  EXPECT_FALSE(Waits(kA));
}

TEST_F(FruitlessConnectionTest, AConnectionWithAnAnswerIsMadeAgainAtOnce) {
  ASSERT_NO_FATAL_FAILURE(Start({kA}));
  for (const absl::Status& answer :
       {absl::OkStatus(), absl::NotFoundError("no such user")}) {
    for (int i = 0; i < 5; ++i) {
      ConnectAndLose(kA, 2);
      harness_.Connect(kA);
      EXPECT_EQ(harness_.RoundTrip({}, answer), kA);
      harness_.Lose(kA);
      EXPECT_FALSE(Waits(kA));
    }
  }
}

TEST_F(FruitlessConnectionTest, ACallThatTheConnectionFailsIsNoAnswer) {
  ASSERT_NO_FATAL_FAILURE(Start({kA, kB}));
  harness_.Connect(kB);
  for (int i = 0; i < 3; ++i) {
    harness_.Connect(kA);
    // One of the two calls is kA's.
    harness_.RoundTrip({}, absl::UnavailableError("connection closed"));
    harness_.RoundTrip({}, absl::UnavailableError("connection closed"));
    harness_.Lose(kA);
  }
  EXPECT_TRUE(Waits(kA));
}

TEST_F(FruitlessConnectionTest, ABackendThatConnectsEndsNoOthersWait) {
  ASSERT_NO_FATAL_FAILURE(Start({kA, kB}));
  ConnectAndLose(kA, 3);
  ConnectAndLose(kB, 3);
  EXPECT_TRUE(Waits(kA));
  EXPECT_TRUE(Waits(kB));
  harness_.Connection(kB).BeginConnecting();  // By another channel.
  harness_.Connect(kB);
  EXPECT_TRUE(Waits(kA));
  EXPECT_EQ(harness_.RoundTrip(), kB);
}

TEST_F(FruitlessConnectionTest, TheApplicationAndAPassedProbeEndTheWait) {
  ASSERT_NO_FATAL_FAILURE(Start({kA}));
  ConnectAndLose(kA, 3);
  EXPECT_TRUE(Waits(kA));
  harness_.ResetBackoff();
  EXPECT_FALSE(Waits(kA));
  ConnectAndLose(kA, 1);
  EXPECT_TRUE(Waits(kA));
  harness_.Probe(kA, /*healthy=*/true);
  EXPECT_FALSE(Waits(kA));
}

TEST_F(FruitlessConnectionTest, TheWaitEndsWithTheBackend) {
  ASSERT_NO_FATAL_FAILURE(Start({kA}));
  ConnectAndLose(kA, 3);
  ASSERT_EQ(harness_.Update({kB}), absl::OkStatus());
  EXPECT_EQ(harness_.connections(kA), 0u);
  harness_.Advance(absl::Seconds(2));
  harness_.Connect(kB);
  EXPECT_EQ(harness_.RoundTrip(), kB);
}

// --- The end -----------------------------------------------------------------

TEST(ShutdownTest, ANotificationInFlightChangesNothing) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.channel().TakeUpdates();
  harness.channel().HoldNotifications();
  harness.Connect(kA);
  harness.Refuse(kB);
  harness.ShutDown();
  harness.channel().ReleaseNotifications();
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
  EXPECT_EQ(harness.channel().TakeReresolutions(), 0);
}

TEST(ShutdownTest, NewsOfABackendThatHasLeftChangesNothing) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kB);
  harness.channel().HoldNotifications();
  harness.Connect(kA);
  ASSERT_EQ(harness.Update({kB}), absl::OkStatus());
  harness.channel().TakeUpdates();
  harness.channel().ReleaseNotifications();
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
  EXPECT_EQ(harness.RoundTrip(), kB);
}

TEST(ShutdownTest, ThePoolIsWatchedNoLonger) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  // Another lease keeps the backend in the pool.
  const auto lease = harness.pool().Acquire(kA, kA);
  harness.ShutDown();
  // The harness fails the test if the policy reacts to this.
  harness.MarkUnhealthy(kA);
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
}

TEST(ShutdownTest, APolicyThatNeverGotAListEndsQuietly) {
  PolicyHarness harness;
  harness.ShutDown();
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
}

TEST(ShutdownTest, CallsOnTheirWayEndLater) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& call = harness.Call();
  ASSERT_EQ(call.Outcome(), kA);
  harness.ShutDown();
  harness.Finish(call, absl::UnavailableError("reset"));
  EXPECT_FALSE(harness.Retry(call)) << "nobody is left to retry on";
}

// --- Core's refusals ---------------------------------------------------------

TEST(RefusedSubchannelTest, FailsItsBackendForGood) {
  PolicyHarness harness;
  harness.channel().set_refuse_subchannels(true);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  EXPECT_EQ(harness.channel().state(), GRPC_CHANNEL_TRANSIENT_FAILURE);
  EXPECT_THAT(harness.RoundTrip(),
              HasSubstr("gRPC refused to make a subchannel (see its log)"));
  harness.ResetBackoff();
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
}

}  // namespace
}  // namespace multi_backend
