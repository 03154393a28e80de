// Tests what an event does to a trial that is running, and to the ramp of a
// backend that has come back.
#include <memory>
#include <ostream>
#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"

namespace multi_backend {
namespace {

using ::testing::Combine;
using ::testing::ValuesIn;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";

const absl::Status kReset = absl::UnavailableError("reset");

// --- A trial -----------------------------------------------------------------

// Failed calls may take the only backend out.
constexpr char kPassive[] =
    R"({"health":{"passive":{"downRetryAfter":"1s","maxEjectedPercent":100}}})";

struct TrialCase {
  const char* name;
  void (*act)(PolicyHarness&);
  // kA's state while the trial runs, and after each end of it.
  const char* running;
  const char* won;
  const char* failed;
  const char* given_up;
};

std::ostream& operator<<(std::ostream& out, const TrialCase& trial) {
  return out << trial.name;
}

struct EndCase {
  const char* name;
  void (*end)(PolicyHarness&, FakeCall& trial);
  const char* TrialCase::*state;  // kA's state after this end.
};

std::ostream& operator<<(std::ostream& out, const EndCase& end) {
  return out << end.name;
}

const EndCase kEnds[] = {
    {"IsWon",
     [](PolicyHarness& harness, FakeCall& trial) { harness.Finish(trial); },
     &TrialCase::won},
    {"Fails",
     [](PolicyHarness& harness, FakeCall& trial) {
       harness.Finish(trial, kReset);
     },
     &TrialCase::failed},
    {"IsGivenUp",
     [](PolicyHarness& harness, FakeCall& trial) { harness.End(trial); },
     &TrialCase::given_up},
};

const TrialCase kTrialCases[] = {
    {"NoEvent", [](PolicyHarness&) {}, "DOWN_RETRY", "ALIVE", "DOWN",
     "DOWN_RETRY"},
    {"TheSameList",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kA, kB}), absl::OkStatus());
     },
     "DOWN_RETRY", "ALIVE", "DOWN", "DOWN_RETRY"},
    {"AListInAnotherOrder",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kB, kA}), absl::OkStatus());
     },
     "DOWN_RETRY", "ALIVE", "DOWN", "DOWN_RETRY"},
    {"AListWithoutIt",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kB}), absl::OkStatus());
     },
     "unknown", "unknown", "unknown", "unknown"},
    // The trial was given up when the backend left the list, so another call
    // may be the trial.
    {"AListWithoutItAndOneWithIt",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kB}), absl::OkStatus());
       EXPECT_EQ(harness.Update({kA, kB}), absl::OkStatus());
     },
     "DOWN_RETRY", "DOWN_RETRY", "DOWN_RETRY", "DOWN_RETRY"},
    {"AFailedResolution",
     [](PolicyHarness& harness) {
       EXPECT_FALSE(harness.FailResolution(absl::NotFoundError("gone")).ok());
     },
     "DOWN_RETRY", "ALIVE", "DOWN", "DOWN_RETRY"},
    {"AnotherStrategy",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.UpdateConfig(
                     R"({"strategy":"LEAST_BUSY","health":{"passive":{
                         "unhealthyAfter":3,"downRetryAfter":"1s"}}})"),
                 absl::OkStatus());
     },
     "DOWN_RETRY", "ALIVE", "DOWN", "DOWN_RETRY"},
    // Failed calls no longer count, so the DOWN that they caused ends.
    {"AConfigWithoutPassiveHealth",
     [](PolicyHarness& harness) {
       EXPECT_EQ(
           harness.UpdateConfig(R"({"health":{"passive":{"enabled":false}}})"),
           absl::OkStatus());
     },
     "ALIVE", "ALIVE", "ALIVE", "ALIVE"},
    {"AMark", [](PolicyHarness& harness) { harness.MarkUnhealthy(kA); }, "DOWN",
     "DOWN", "DOWN", "DOWN"},
    {"AMarkOfHealth", [](PolicyHarness& harness) { harness.MarkHealthy(kA); },
     "ALIVE", "ALIVE", "ALIVE", "ALIVE"},
    {"ALoss", [](PolicyHarness& harness) { harness.Lose(kA); }, "DOWN_RETRY",
     "ALIVE", "DOWN", "DOWN_RETRY"},
    // A backend whose trial is won stays DOWN while it has no connection.
    {"AFailedConnection",
     [](PolicyHarness& harness) {
       harness.Lose(kA);
       harness.Refuse(kA);
     },
     "DOWN_RETRY", "DOWN", "DOWN", "DOWN_RETRY"},
    {"TheEndOfPatience",
     [](PolicyHarness& harness) {
       harness.Advance(BackendHealth::kTrialPatience);
     },
     "DOWN_RETRY", "DOWN_RETRY", "DOWN_RETRY", "DOWN_RETRY"},
    {"TheShutdown", [](PolicyHarness& harness) { harness.ShutDown(); },
     "unknown", "unknown", "unknown", "unknown"},
};

class RunningTrialTest
    : public ::testing::TestWithParam<std::tuple<TrialCase, EndCase>> {};

INSTANTIATE_TEST_SUITE_P(
    Cases, RunningTrialTest, Combine(ValuesIn(kTrialCases), ValuesIn(kEnds)),
    [](const ::testing::TestParamInfo<std::tuple<TrialCase, EndCase>>& info) {
      return std::string(std::get<0>(info.param).name) + "AndThenIt" +
             std::get<1>(info.param).name;
    });

// Makes calls that fail on kA and succeed elsewhere, until kA is DOWN.
void FailA(PolicyHarness& harness) {
  while (harness.StateOf(kA) != "DOWN") {
    FakeCall& call = harness.Call();
    ASSERT_TRUE(call.sent()) << call.Outcome();
    harness.Finish(call, call.backend() == kA ? kReset : absl::OkStatus());
  }
}

// Makes calls until one is sent to kA, and returns that one.
FakeCall* CallOnA(PolicyHarness& harness) {
  for (int i = 0; i < 10; ++i) {
    FakeCall& call = harness.Call();
    if (call.sent() && call.backend() == kA) return &call;
    harness.End(call);
  }
  return nullptr;
}

TEST_P(RunningTrialTest, MeetsAnEvent) {
  const TrialCase& event = std::get<0>(GetParam());
  const EndCase& end = std::get<1>(GetParam());
  PolicyHarness harness(kPassive);
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  FailA(harness);
  harness.Advance(absl::Seconds(1.2));
  ASSERT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  FakeCall* const trial = CallOnA(harness);
  ASSERT_NE(trial, nullptr);
  ASSERT_EQ(CallOnA(harness), nullptr) << "one at a time";

  event.act(harness);
  EXPECT_EQ(harness.StateOf(kA), event.running);
  end.end(harness, *trial);
  const std::string after = harness.StateOf(kA);
  EXPECT_EQ(after, event.*end.state);

  // Nothing may leave the trial taken: if kA may get calls, it must get one.
  if (harness.connections(kA) == 0) return;
  const FakeSubchannel& connection = harness.Connection(kA);
  if (connection.state() == GRPC_CHANNEL_TRANSIENT_FAILURE) {
    harness.EndBackoff(kA);
  }
  if (connection.state() == GRPC_CHANNEL_CONNECTING) harness.Connect(kA);
  if (harness.StateOf(kA) == "DOWN") return;
  FakeCall* const next = CallOnA(harness);
  ASSERT_NE(next, nullptr);
  harness.Finish(*next);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
}

// --- A call that waits for a trial -------------------------------------------

class WaitingForATrialTest : public ::testing::TestWithParam<EndCase> {};

INSTANTIATE_TEST_SUITE_P(Cases, WaitingForATrialTest, ValuesIn(kEnds),
                         [](const ::testing::TestParamInfo<EndCase>& info) {
                           return std::string("UntilIt") + info.param.name;
                         });

// Calls wait in core's queue without a backlog.  The trial may be a call of
// another channel with the same pool.
TEST_P(WaitingForATrialTest, GoesWhenTheBackendMayBeTriedOrIsAlive) {
  for (const char* config :
       {kPassive, R"({"backlog":{"overloadTimeout":"60s","timeout":"60s"},
          "health":{"passive":{"downRetryAfter":"1s",
                               "maxEjectedPercent":100}}})"}) {
    for (const bool same_channel : {true, false}) {
      SCOPED_TRACE(::testing::Message() << config << same_channel);
      const auto options = PolicyHarness::Options::WithSharedPool(config);
      PolicyHarness one(options);
      PolicyHarness other(options);
      for (PolicyHarness* channel : {&one, &other}) {
        ASSERT_EQ(channel->Update({kA}), absl::OkStatus());
        channel->Connect(kA);
      }
      FailA(one);
      one.Advance(absl::Seconds(1.2));
      FakeCall* const trial = CallOnA(one);
      ASSERT_NE(trial, nullptr);
      FakeCall& waiting = (same_channel ? one : other).PatientCall();
      ASSERT_EQ(waiting.Outcome(), "queued");
      GetParam().end(one, *trial);
      if (one.StateOf(kA) == "DOWN") {
        EXPECT_EQ(waiting.Outcome(), "queued");
        one.Advance(absl::Seconds(2.3));
      }
      EXPECT_EQ(waiting.Outcome(), kA);
    }
  }
}

TEST(TrialTest, OneThatHangsGivesWayToAWaitingCall) {
  PolicyHarness harness(kPassive);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FailA(harness);
  harness.Advance(absl::Seconds(1.2));
  ASSERT_NE(CallOnA(harness), nullptr);
  FakeCall& waiting = harness.PatientCall();
  ASSERT_EQ(waiting.Outcome(), "queued");
  harness.Advance(BackendHealth::kTrialPatience);
  EXPECT_EQ(waiting.Outcome(), kA);
  harness.Finish(waiting);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
}

TEST(TrialTest, OneThatHungDoesNotDecideForTheNext) {
  PolicyHarness harness(kPassive);
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  FailA(harness);
  harness.Advance(absl::Seconds(1.2));
  FakeCall* const hanging = CallOnA(harness);
  ASSERT_NE(hanging, nullptr);
  harness.Advance(BackendHealth::kTrialPatience);
  FakeCall* const next = CallOnA(harness);
  ASSERT_NE(next, nullptr);
  harness.Finish(*hanging, kReset);
  EXPECT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  EXPECT_EQ(CallOnA(harness), nullptr) << "the next trial still runs";
  harness.Finish(*next);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
}

// --- A ramp ------------------------------------------------------------------

constexpr char kRamp[] = R"({"health":{"slowStart":"10s"}})";

struct RampCase {
  const char* name;
  void (*act)(PolicyHarness&);
  bool goes_on;
};

std::ostream& operator<<(std::ostream& out, const RampCase& ramp) {
  return out << ramp.name;
}

const RampCase kRampCases[] = {
    {"NoEvent", [](PolicyHarness&) {}, true},
    {"AListInAnotherOrder",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kB, kA}), absl::OkStatus());
     },
     true},
    // The pool makes a new backend, and a first start has no ramp.
    {"AListWithoutItAndOneWithIt",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kB}), absl::OkStatus());
       EXPECT_EQ(harness.Update({kA, kB}), absl::OkStatus());
       harness.Connect(kA);
     },
     false},
    {"AnotherConfig",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.UpdateConfig(
                     R"({"health":{"slowStart":"10s","passive":{}}})"),
                 absl::OkStatus());
     },
     true},
    {"AConfigWithoutSlowStart",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.UpdateConfig("{}"), absl::OkStatus());
     },
     false},
    {"AFailedResolution",
     [](PolicyHarness& harness) {
       EXPECT_FALSE(harness.FailResolution(absl::NotFoundError("gone")).ok());
     },
     true},
    {"ALossAndAReturn",
     [](PolicyHarness& harness) {
       harness.Lose(kA);
       harness.Connect(kA);
     },
     true},
    {"TheEndOfItsTime",
     [](PolicyHarness& harness) { harness.Advance(absl::Seconds(10)); }, false},
    // The second ramp begins anew.
    {"AnotherReturnNearItsEnd",
     [](PolicyHarness& harness) {
       harness.Advance(absl::Seconds(9.9));
       harness.MarkUnhealthy(kA);
       harness.MarkHealthy(kA);
     },
     true},
};

class RampTest : public ::testing::TestWithParam<RampCase> {};

INSTANTIATE_TEST_SUITE_P(Cases, RampTest, ValuesIn(kRampCases),
                         [](const ::testing::TestParamInfo<RampCase>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(RampTest, MeetsAnEvent) {
  PolicyHarness harness(kRamp);
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  harness.MarkUnhealthy(kA);
  harness.MarkHealthy(kA);
  GetParam().act(harness);
  int on_a = 0;
  for (int i = 0; i < 400; ++i) on_a += harness.RoundTrip() == kA;
  if (GetParam().goes_on) {
    // The expected number is 36, with a standard deviation below 6, so both
    // bounds are at least six deviations away.
    EXPECT_LT(on_a, 100);
    EXPECT_GT(on_a, 0);
  } else {
    EXPECT_EQ(on_a, 200);
  }
}

}  // namespace
}  // namespace multi_backend
