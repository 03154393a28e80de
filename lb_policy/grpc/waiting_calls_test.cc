// Tests calls that wait, in backlogs and in core's own queue, and the states of
// backlogs, which follow those of the backends.
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"
#include "multi_backend/port/core.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";

const absl::Status kReset = absl::UnavailableError("reset");

// Returns the events of balancers.  Other tests check the events of backends.
std::vector<std::string> BacklogEvents(PolicyHarness& harness) {
  std::vector<std::string> events;
  for (const std::string& event : harness.TakeEvents()) {
    if (event.compare(0, 4, "root") == 0) events.push_back(event);
  }
  return events;
}

// Takes kA down by failed calls.
void FailA(PolicyHarness& harness) {
  for (int i = 0; i < 3; ++i) {
    FakeCall& call = harness.Call();
    ASSERT_EQ(call.Outcome(), kA);
    harness.Finish(call, kReset);
  }
  ASSERT_EQ(harness.StateOf(kA), "DOWN");
}

// Connects kA and kB, and takes them down by failed calls.
void ConnectAndFailBoth(PolicyHarness& harness) {
  for (const char* one : {kA, kB}) {
    harness.Connect(one);
    while (harness.StateOf(one) != "DOWN") {
      FakeCall& call = harness.Call();
      ASSERT_TRUE(call.sent()) << call.Outcome();
      harness.Finish(call, kReset);
    }
  }
}

// --- The states --------------------------------------------------------------

TEST(BacklogTest, FollowsItsBackendsFromAliveToDownAndBack) {
  PolicyHarness harness(R"({"backlog":{"overloadTimeout":"1s"}})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  EXPECT_THAT(BacklogEvents(harness), IsEmpty()) << "they are being connected";
  FakeCall& early = harness.Call();
  EXPECT_EQ(early.Outcome(), "queued");
  harness.Connect(kA);
  EXPECT_EQ(early.Outcome(), kA);

  harness.Lose(kA);
  harness.Refuse(kB);
  EXPECT_THAT(BacklogEvents(harness), IsEmpty()) << "kA may be back soon";
  harness.Refuse(kA);
  EXPECT_THAT(BacklogEvents(harness),
              ElementsAre(HasSubstr("ALIVE -> OVERLOADED")));
  FakeCall& waiting = harness.Call();
  EXPECT_EQ(waiting.Outcome(), "queued");
  harness.Advance(absl::Milliseconds(900));
  EXPECT_EQ(waiting.Outcome(), "queued");
  harness.Advance(absl::Milliseconds(110));
  EXPECT_THAT(BacklogEvents(harness),
              ElementsAre(HasSubstr("OVERLOADED -> DOWN")));
  EXPECT_THAT(waiting.Outcome(),
              StartsWith("dropped: UNAVAILABLE: multi_backend: no usable "
                         "backend, the call was never sent: all backends have "
                         "been down for"));
  EXPECT_THAT(harness.RoundTrip(), StartsWith("dropped: UNAVAILABLE"));

  harness.EndBackoff(kB);
  EXPECT_THAT(harness.RoundTrip(), StartsWith("dropped: UNAVAILABLE"))
      << "an attempt to connect is no connection";
  harness.Connect(kB);
  EXPECT_THAT(BacklogEvents(harness), ElementsAre(HasSubstr("DOWN -> ALIVE")));
  EXPECT_EQ(harness.RoundTrip(), kB);
}

TEST(BacklogTest, TheTrialOfABackendIsTheOldestWaitingCall) {
  PolicyHarness harness(R"({"backlog":{"overloadTimeout":"60s"},
      "health":{"passive":{"downRetryAfter":"1s","maxEjectedPercent":100}}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FailA(harness);
  EXPECT_THAT(BacklogEvents(harness),
              ElementsAre(HasSubstr("ALIVE -> OVERLOADED")));
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  EXPECT_EQ(first.Outcome(), "queued");
  harness.Advance(absl::Seconds(1.2));
  EXPECT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  EXPECT_EQ(first.Outcome(), kA);
  EXPECT_EQ(second.Outcome(), "queued") << "one trial at a time";
  EXPECT_THAT(BacklogEvents(harness), IsEmpty()) << "it may fail";
  harness.Finish(first);
  EXPECT_EQ(harness.StateOf(kA), "ALIVE");
  EXPECT_EQ(second.Outcome(), kA);
  EXPECT_THAT(BacklogEvents(harness),
              ElementsAre(HasSubstr("OVERLOADED -> ALIVE")));
}

TEST(BacklogTest, AFailedTrialLeavesTheOthersWaitingForTheNext) {
  PolicyHarness harness(R"({"backlog":{"overloadTimeout":"60s","timeout":"60s"},
      "health":{"passive":{"downRetryAfter":"1s","maxEjectedPercent":100}}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FailA(harness);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  harness.Advance(absl::Seconds(1.2));
  ASSERT_EQ(first.Outcome(), kA);
  harness.Finish(first, kReset);
  EXPECT_EQ(harness.StateOf(kA), "DOWN");
  EXPECT_EQ(second.Outcome(), "queued");
  harness.Advance(absl::Seconds(2.3));
  EXPECT_EQ(second.Outcome(), kA);
}

TEST(BacklogTest, AnAbandonedTrialGoesToTheNextWaitingCallAtOnce) {
  PolicyHarness harness(R"({"backlog":{"overloadTimeout":"60s"},
      "health":{"passive":{"downRetryAfter":"1s","maxEjectedPercent":100}}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FailA(harness);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  harness.Advance(absl::Seconds(1.2));
  ASSERT_EQ(first.Outcome(), kA);
  harness.End(first);
  EXPECT_EQ(second.Outcome(), kA);
}

// Both trials are given up at once, and the older call picks last.
TEST(BacklogTest, ACallThatGoesLetsTheNextGoThatOnlyItHeldUp) {
  for (const bool commits_early : {false, true}) {
    PolicyHarness harness(R"({"backlog":{"overloadTimeout":"60s"},
        "health":{"passive":{"downRetryAfter":"1s","maxEjectedPercent":100}}})");
    ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
    ASSERT_NO_FATAL_FAILURE(ConnectAndFailBoth(harness));
    harness.Advance(absl::Seconds(1.2));
    FakeCall& trial = harness.Call();
    FakeCall& other_trial = harness.Call();
    ASSERT_TRUE(trial.sent() && other_trial.sent());
    FakeCallOptions options;
    options.commits_early = commits_early;
    FakeCall& first = harness.Call(options);
    FakeCall& second = harness.Call();
    ASSERT_EQ(first.Outcome(), "queued");
    ASSERT_EQ(second.Outcome(), "queued");
    harness.time().RunInCore([&]() {
      trial.End();
      other_trial.End();
    });
    EXPECT_TRUE(first.sent()) << first.Outcome();
    EXPECT_TRUE(second.sent()) << second.Outcome() << ", " << commits_early;
  }
}

// --- A backlog that is DOWN, and backends that may be tried -----------------

constexpr char kShortOverload[] = R"({"backlog":{"overloadTimeout":"0.5s"},
    "health":{"passive":{"downRetryAfter":"1s","maxEjectedPercent":100}}})";

TEST(BacklogTest, ThatIsDownLetsOnlyTheTrialsGo) {
  PolicyHarness harness(kShortOverload);
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  ASSERT_NO_FATAL_FAILURE(ConnectAndFailBoth(harness));
  harness.Advance(absl::Milliseconds(510));
  EXPECT_THAT(BacklogEvents(harness),
              ElementsAre(HasSubstr("ALIVE -> OVERLOADED"),
                          HasSubstr("OVERLOADED -> DOWN")));
  EXPECT_THAT(harness.RoundTrip(), StartsWith("dropped: UNAVAILABLE"));
  harness.Advance(absl::Milliseconds(700));
  ASSERT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  ASSERT_EQ(harness.StateOf(kB), "DOWN_RETRY");
  FakeCall& one = harness.Call();
  FakeCall& other = harness.Call();
  ASSERT_TRUE(one.sent()) << one.Outcome();
  ASSERT_TRUE(other.sent()) << other.Outcome();
  EXPECT_NE(one.backend(), other.backend()) << "one for each backend";
  EXPECT_THAT(harness.RoundTrip(), StartsWith("dropped: UNAVAILABLE"));
  EXPECT_THAT(BacklogEvents(harness), IsEmpty());
  harness.Finish(one, kReset);
  EXPECT_THAT(harness.RoundTrip(), StartsWith("dropped: UNAVAILABLE"));
  EXPECT_THAT(BacklogEvents(harness), IsEmpty());
  harness.Finish(other);
  EXPECT_THAT(BacklogEvents(harness), ElementsAre(HasSubstr("DOWN -> ALIVE")));
  EXPECT_EQ(harness.RoundTrip(), other.backend());
}

TEST(BacklogTest, StaysDownWhileOneTrialAfterAnotherFails) {
  PolicyHarness harness(R"({"backlog":{"overloadTimeout":"0.5s"},
      "health":{"passive":{"downRetryAfter":"1s","maxDownRetryAfter":"2s",
                           "maxEjectedPercent":100}}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FailA(harness);
  harness.Advance(absl::Milliseconds(510));
  BacklogEvents(harness);
  for (int round = 0; round < 3; ++round) {
    int trials = 0;
    for (int step = 0; step < 100; ++step) {
      harness.Advance(absl::Milliseconds(100));
      FakeCall& call = harness.Call();
      if (!call.sent()) {
        EXPECT_THAT(call.Outcome(), StartsWith("dropped: UNAVAILABLE"));
        continue;
      }
      ++trials;
      harness.Finish(call, kReset);
    }
    EXPECT_GT(trials, 0) << round;
    EXPECT_THAT(BacklogEvents(harness), IsEmpty()) << round;
  }
}

// A trial that fails does not begin the time until DOWN anew.
TEST(BacklogTest, ATrialBelongsToTheOutageInWhichItBegan) {
  PolicyHarness harness(R"({"backlog":{"overloadTimeout":"2s"},
      "health":{"passive":{"downRetryAfter":"1s","maxEjectedPercent":100}}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FailA(harness);
  BacklogEvents(harness);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  harness.Advance(absl::Seconds(1.2));
  ASSERT_EQ(first.Outcome(), kA);
  harness.Finish(first, kReset);
  EXPECT_EQ(second.Outcome(), "queued");
  harness.Advance(absl::Seconds(0.7));
  EXPECT_THAT(BacklogEvents(harness), IsEmpty());
  harness.Advance(absl::Seconds(0.2));
  EXPECT_THAT(BacklogEvents(harness),
              ElementsAre(HasSubstr("OVERLOADED -> DOWN")));
  EXPECT_THAT(second.Outcome(), StartsWith("dropped: UNAVAILABLE"));
}

TEST(BacklogTest, ABackendThatOnlyProbesMayTryLeavesItDown) {
  PolicyHarness harness(R"({"backlog":{"overloadTimeout":"0.5s"},
      "health":{"active":{"interval":"1000s"}}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  for (int i = 0; i < 3; ++i) harness.Probe(kA, false);
  harness.Advance(absl::Milliseconds(510));
  BacklogEvents(harness);
  harness.Probe(kA, true);
  ASSERT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  EXPECT_THAT(BacklogEvents(harness), IsEmpty());
  EXPECT_THAT(harness.RoundTrip(), StartsWith("dropped: UNAVAILABLE"));
  harness.Probe(kA, true);
  ASSERT_EQ(harness.StateOf(kA), "ALIVE");
  EXPECT_THAT(BacklogEvents(harness), ElementsAre(HasSubstr("DOWN -> ALIVE")));
  EXPECT_EQ(harness.RoundTrip(), kA);
}

TEST(BacklogTest, StaysAliveWhileOneBackendMayBeTriedAndAnotherServes) {
  PolicyHarness harness(kShortOverload);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FailA(harness);
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kB);
  BacklogEvents(harness);
  harness.Advance(absl::Seconds(1.2));
  ASSERT_EQ(harness.StateOf(kA), "DOWN_RETRY");
  FakeCall* trial = nullptr;
  for (int i = 0; i < 4; ++i) {
    FakeCall& call = harness.Call();
    ASSERT_TRUE(call.sent()) << call.Outcome();
    if (call.backend() == kA) trial = &call;
  }
  ASSERT_NE(trial, nullptr);
  harness.Finish(*trial, kReset);
  EXPECT_EQ(harness.RoundTrip(), kB);
  EXPECT_THAT(BacklogEvents(harness), IsEmpty());
}

// --- Events while calls wait -------------------------------------------------

struct WaitingCase {
  const char* name;
  void (*act)(PolicyHarness&);
  const char* outcome;  // The prefix of the waiting call's outcome.
  // The outcome when all backends of the list are connected and healthy again.
  const char* in_the_end;
};

constexpr char kWaiting[] = R"({"backlog":{"overloadTimeout":"60s"}})";

const WaitingCase kWaitingCases[] = {
    {"TheSameList",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kA}), absl::OkStatus());
     },
     "queued", kA},
    {"AListWithAnotherBackend",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kA, kB}), absl::OkStatus());
       harness.Connect(kB);
     },
     kB, kB},
    {"AListWithoutTheBackend",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.Update({kB}), absl::OkStatus());
     },
     "queued", kB},
    {"AFailedResolution",
     [](PolicyHarness& harness) {
       EXPECT_FALSE(harness.FailResolution(absl::NotFoundError("gone")).ok());
     },
     "queued", kA},
    {"AnotherConfig",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.UpdateConfig(
                     R"({"strategy":"PRIMARY",
                         "backlog":{"overloadTimeout":"60s"}})"),
                 absl::OkStatus());
     },
     "queued", kA},
    {"AConfigWithAShorterWait",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.UpdateConfig(R"({"backlog":{"timeout":"1s",
                     "overloadTimeout":"60s"}})"),
                 absl::OkStatus());
       harness.Advance(absl::Seconds(1.1));
     },
     "dropped: DEADLINE_EXCEEDED", ""},
    {"AConfigWithoutBacklog",
     [](PolicyHarness& harness) {
       EXPECT_EQ(harness.UpdateConfig("{}"), absl::OkStatus());
     },
     "UNAVAILABLE: multi_backend: no usable backend", ""},
    {"AMark", [](PolicyHarness& harness) { harness.MarkUnhealthy(kA); },
     "queued", kA},
    {"AConnectionThatIsMarked",
     [](PolicyHarness& harness) {
       harness.MarkUnhealthy(kA);
       harness.EndBackoff(kA);
       harness.Connect(kA);
     },
     "queued", kA},
    {"AnotherFailure",
     [](PolicyHarness& harness) {
       harness.EndBackoff(kA);
       harness.Refuse(kA, "again");
     },
     "queued", kA},
};

class WaitingCallTest : public ::testing::TestWithParam<WaitingCase> {};

INSTANTIATE_TEST_SUITE_P(Cases, WaitingCallTest,
                         ::testing::ValuesIn(kWaitingCases),
                         [](const ::testing::TestParamInfo<WaitingCase>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(WaitingCallTest, MeetsAnEvent) {
  PolicyHarness harness(kWaiting);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Refuse(kA);
  FakeCall& call = harness.Call();
  ASSERT_EQ(call.Outcome(), "queued");
  GetParam().act(harness);
  EXPECT_THAT(call.Outcome(), StartsWith(GetParam().outcome));
  if (call.Outcome() != "queued") return;

  harness.MarkHealthy(kA);
  const char* const address = GetParam().in_the_end;
  FakeSubchannel& connection = harness.Connection(address);
  if (connection.state() == GRPC_CHANNEL_TRANSIENT_FAILURE) {
    harness.EndBackoff(address);
  }
  if (connection.state() == GRPC_CHANNEL_CONNECTING) harness.Connect(address);
  EXPECT_EQ(call.Outcome(), address);
}

TEST(BacklogTest, AWaitingCallEndsAfterTheShutdown) {
  PolicyHarness harness(kWaiting);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  FakeCall& call = harness.Call();
  ASSERT_EQ(call.Outcome(), "queued");
  harness.ShutDown();
  harness.End(call);
  EXPECT_EQ(call.Outcome(), "ended");
}

// --- Bounds ------------------------------------------------------------------

TEST(BacklogTest, ACallThatWaitsTooLongIsRefused) {
  PolicyHarness harness(
      R"({"backlog":{"timeout":"5s","overloadTimeout":"60s"}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  FakeCall& waiting = harness.Call();
  harness.Advance(absl::Seconds(2));
  FakeCall& later = harness.Call();
  harness.Advance(absl::Seconds(2.9));
  EXPECT_EQ(waiting.Outcome(), "queued");
  harness.Advance(absl::Seconds(0.2));
  EXPECT_THAT(waiting.Outcome(),
              StartsWith("dropped: DEADLINE_EXCEEDED: multi_backend: no usable "
                         "backend, the call was never sent: it waited"));
  EXPECT_EQ(later.Outcome(), "queued");
  harness.Connect(kA);
  EXPECT_EQ(later.Outcome(), kA);
}

TEST(BacklogTest, OneCallMoreThanTheLimitIsRefused) {
  PolicyHarness harness(R"({"backlog":{"limit":2}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  EXPECT_THAT(harness.RoundTrip(),
              HasSubstr("2 calls are waiting already (backlog.limit)"));
  harness.End(first);
  FakeCall& third = harness.Call();
  EXPECT_EQ(third.Outcome(), "queued") << "a cancelled call's place is free";
  harness.Connect(kA);
  EXPECT_EQ(second.Outcome(), kA);
  EXPECT_EQ(third.Outcome(), kA);
}

// --- Order -------------------------------------------------------------------

TEST(BacklogTest, CallsGoInOrderWhenOthersEnd) {
  PolicyHarness harness(R"({"maxRequestsPerBackend":1,"backlog":{}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& running = harness.Call();
  ASSERT_EQ(running.Outcome(), kA);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  FakeCall& third = harness.Call();
  harness.Finish(running);
  EXPECT_EQ(first.Outcome(), kA);
  EXPECT_EQ(second.Outcome(), "queued");
  harness.End(second);
  harness.Finish(first);
  EXPECT_EQ(third.Outcome(), kA);
  FakeCall& newcomer = harness.Call();
  EXPECT_EQ(newcomer.Outcome(), "queued");
  harness.Finish(third);
  EXPECT_EQ(newcomer.Outcome(), kA);
}

TEST(BacklogTest, ACallThatWaitsInsideCoreHoldsUpNoOther) {
  if (!core::kPickedCallsMayWait) {
    GTEST_SKIP() << "this release makes the stream at once";
  }
  PolicyHarness harness(R"({"backlog":{}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  FakeCallOptions options;
  options.waits_for_stream = true;
  FakeCall& first = harness.Call(options);
  FakeCall& second = harness.Call();
  ASSERT_EQ(first.Outcome(), "queued");
  ASSERT_EQ(second.Outcome(), "queued");
  harness.Connect(kA);
  EXPECT_EQ(first.Outcome(), kA);
  EXPECT_EQ(second.Outcome(), kA);
  EXPECT_EQ(harness.RoundTrip(), kA) << "and no newcomer";
}

TEST(BacklogTest, ACancelledCallLetsTheNextGoThatOnlyItHeldUp) {
  PolicyHarness harness(R"({"backlog":{}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  harness.channel().HoldNotifications();
  harness.Lose(kA);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  harness.channel().ReleaseNotifications();
  harness.End(first);
  harness.Connect(kA);
  EXPECT_EQ(second.Outcome(), kA);
}

TEST(BacklogTest, WithoutContextsThereIsNone) {
  PolicyHarness::Options options;
  options.config = R"({"backlog":{}})";
  options.with_context = false;
  PolicyHarness harness(options);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Refuse(kA);
  EXPECT_THAT(harness.RoundTrip(), StartsWith("UNAVAILABLE"));
  EXPECT_THAT(BacklogEvents(harness), IsEmpty());
}

// --- A retry in a backlog ----------------------------------------------------

TEST(BacklogTest, ARetryWhoseBackendsHaveAllJustGoneWaitsForThem) {
  PolicyHarness harness(R"({"backlog":{}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& call = harness.Call();
  harness.channel().HoldNotifications();
  harness.Lose(kA);
  harness.Finish(call, kReset);
  ASSERT_TRUE(harness.Retry(call));
  EXPECT_EQ(call.Outcome(), "queued");
  harness.channel().ReleaseNotifications();
  EXPECT_EQ(call.Outcome(), "queued");
  harness.Connect(kA);
  EXPECT_EQ(call.Outcome(), kA) << "it had to wait, so it may go there again";
}

TEST(BacklogTest, ARetryWaitsForAnUntriedBackendThatIsFull) {
  PolicyHarness harness(
      R"({"strategy":"PRIMARY","maxRequestsPerBackend":1,"backlog":{}})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  FakeCall& call = harness.Call();
  FakeCall& other = harness.Call();
  ASSERT_EQ(call.Outcome(), kA);
  ASSERT_EQ(other.Outcome(), kB);
  harness.Finish(call, kReset);
  ASSERT_TRUE(harness.Retry(call));
  EXPECT_EQ(call.Outcome(), "queued");
  FakeCall& newcomer = harness.Call();
  EXPECT_EQ(newcomer.Outcome(), kA)
      << "the call that waits does not hold it up";
  harness.Finish(other);
  EXPECT_EQ(call.Outcome(), kB);

  // Not longer than `maxConnectWait`.
  harness.Finish(newcomer, kReset);
  ASSERT_TRUE(harness.Retry(newcomer));
  ASSERT_EQ(newcomer.Outcome(), "queued");
  harness.Advance(absl::Seconds(2));
  EXPECT_EQ(newcomer.Outcome(), "dropped: UNAVAILABLE: reset");
}

TEST(BacklogTest, ARetryWhoseBackendsHaveNotGoneEndsAfterAMoment) {
  PolicyHarness harness(R"({"backlog":{}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& call = harness.Call();
  harness.Finish(call, kReset);
  ASSERT_TRUE(harness.Retry(call));
  EXPECT_EQ(call.Outcome(), "queued");
  harness.Advance(absl::Milliseconds(30));
  EXPECT_EQ(call.Outcome(), "dropped: UNAVAILABLE: reset");
}

// --- Core's queue ------------------------------------------------------------

TEST(QueueTest, APatientCallGoesWhenABackendHasRoom) {
  PolicyHarness harness(R"({"maxRequestsPerBackend":1})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& running = harness.Call();
  FakeCall& waiting = harness.PatientCall();
  EXPECT_EQ(waiting.Outcome(), "queued");
  EXPECT_THAT(harness.RoundTrip(), HasSubstr("at its limit"));
  harness.Finish(running);
  EXPECT_EQ(waiting.Outcome(), kA);
}

TEST(QueueTest, APatientCallGoesWhenAMarkIsLifted) {
  PolicyHarness harness;
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  harness.MarkUnhealthy(kA);
  FakeCall& waiting = harness.PatientCall();
  EXPECT_EQ(waiting.Outcome(), "queued");
  harness.MarkHealthy(kA);
  EXPECT_EQ(waiting.Outcome(), kA);
}

TEST(QueueTest, ACallGoesWhenAnotherChannelLeavesRoom) {
  for (const char* config : {R"({"maxRequestsPerBackend":1})",
                             R"({"maxRequestsPerBackend":1,"backlog":{}})"}) {
    SCOPED_TRACE(config);
    const auto options = PolicyHarness::Options::WithSharedPool(config);
    PolicyHarness one(options);
    PolicyHarness other(options);
    for (PolicyHarness* channel : {&one, &other}) {
      ASSERT_EQ(channel->Update({kA}), absl::OkStatus());
      channel->Connect(kA);
    }
    FakeCall& running = one.Call();
    ASSERT_EQ(running.Outcome(), kA);
    FakeCall& waiting = other.PatientCall();
    EXPECT_EQ(waiting.Outcome(), "queued");
    one.Finish(running);
    EXPECT_EQ(waiting.Outcome(), kA);
  }
}

TEST(QueueTest, WhatWaitedForAStreamInVainIsNoRetryEither) {
  if (!core::kPickedCallsMayWait) {
    GTEST_SKIP() << "this release makes the stream at once";
  }
  PolicyHarness harness(R"({"strategy":"PRIMARY",
      "failover":{"budget":{"ratio":0,"minRetriesPerSecond":0.1}},
      "health":{"passive":{"enabled":false}}})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FakeCallOptions options;
  options.waits_for_stream = true;
  FakeCall& call = harness.Call(options);
  for (int i = 0; i < 3; ++i) {
    harness.FinishUnseen(call, StreamReport::Reached::kNotWritten);
    harness.Replay(call);
    ASSERT_EQ(call.Outcome(), kA) << "its only backend";
  }
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kB);
  FakeCall& other = harness.Call();
  harness.Finish(other, kReset);
  EXPECT_TRUE(harness.Retry(other)) << "the budget is untouched";
}

TEST(QueueTest, NoCallIsWokenWhenNoneWaits) {
  PolicyHarness harness(R"({"maxRequestsPerBackend":1})");
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  harness.channel().TakeUpdates();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(harness.RoundTrip(), kA);
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
  harness.Advance(absl::Seconds(3600));
  EXPECT_EQ(harness.channel().TakeUpdates(), "");
}

}  // namespace
}  // namespace multi_backend
