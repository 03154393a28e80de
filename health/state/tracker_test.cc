#include "multi_backend/health/state/tracker.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using absl::Milliseconds;
using absl::Seconds;
using Change = absl::optional<HealthChange>;

// A tracker with its clock.  It records the changes as texts.
struct Life {
  explicit Life(const HealthConfig& config, uint64_t seed = 1)
      : tracker(config, seed) {}

  void Note(const Change& change) {
    if (!change) return;
    EXPECT_EQ(change->at, now);
    EXPECT_EQ(change->to, tracker.state());
    EXPECT_EQ(change->reason, tracker.reason());
    if (change->from != change->to) {
      EXPECT_EQ(tracker.since(), now);
    }
    changes.push_back(absl::StrCat(StateName(change->from), " -> ",
                                   StateName(change->to), ": ",
                                   change->reason));
  }

  HealthTracker tracker;
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  std::vector<std::string> changes;
};

using Input = std::function<void(Life&)>;

Input Call(AttemptOutcome outcome, std::string why) {
  return [=](Life& life) {
    life.Note(life.tracker.OnCallEnded(outcome, why, false, life.now));
  };
}
Input Trial(AttemptOutcome outcome, std::string why = "") {
  return [=](Life& life) {
    EXPECT_TRUE(life.tracker.TryBeginTrial());
    EXPECT_FALSE(life.tracker.TryBeginTrial());
    life.Note(life.tracker.OnCallEnded(outcome, why, true, life.now));
  };
}
Input NoTrial() {
  return [](Life& life) { EXPECT_FALSE(life.tracker.TryBeginTrial()); };
}
Input Probe(bool healthy, std::string detail = "") {
  return [=](Life& life) {
    life.Note(life.tracker.OnProbe(healthy, detail, life.now));
  };
}
Input Ejected() {
  return [](Life& life) {
    life.Note(life.tracker.OnEjected("60 % of 50", life.now));
  };
}
Input MarkedDown(std::string reason) {
  return [=](Life& life) {
    life.Note(life.tracker.MarkUnhealthy(reason, life.now));
  };
}
Input MarkedUp(std::string reason) {
  return [=](Life& life) {
    life.Note(life.tracker.MarkHealthy(reason, life.now));
  };
}
Input Passes(absl::Duration time) {
  return [=](Life& life) {
    life.now += time;
    life.Note(life.tracker.OnTime(life.now));
  };
}
Input Configured(HealthConfig config) {
  return [=](Life& life) { life.tracker.SetConfig(config); };
}

const Input kAnswered = Call(AttemptOutcome::kAnswered, "");
const Input kFailed = Call(AttemptOutcome::kFailed, "refused");
const Input kTimedOut = Call(AttemptOutcome::kTimedOut, "100 ms");
const Input kFull = Call(AttemptOutcome::kOverloaded, "full");
const Input kAbandoned = Call(AttemptOutcome::kAbandoned, "cancelled");
const Input kProbeOk = Probe(true);
const Input kProbeFails = Probe(false, "no answer");
const Input kEverything[] = {
    kAnswered, kFailed,     kTimedOut, kFull,     kAbandoned,         kProbeOk,
    kProbeOk,  kProbeFails, kProbeOk,  Ejected(), Passes(Seconds(60))};

// Neither calls nor probes count.
HealthConfig Nothing() {
  HealthConfig config;
  config.passive.reset();
  return config;
}

// DOWN after 3 failures, ALIVE after 1 success, and a wait of always 30 s.
HealthConfig Calls() {
  HealthConfig config;
  config.passive.emplace();
  config.passive->down_retry_after = Seconds(30);
  config.passive->max_down_retry_after = Seconds(30);
  config.passive->overloaded_for = Seconds(3);
  return config;
}
HealthConfig CallsThat(int unhealthy_after, int healthy_after) {
  HealthConfig config = Calls();
  config.passive->unhealthy_after = unhealthy_after;
  config.passive->healthy_after = healthy_after;
  return config;
}
// DOWN after 3 failures, ALIVE after 2 successes.
HealthConfig Probes() {
  HealthConfig config = Nothing();
  config.active.emplace();
  return config;
}
HealthConfig ProbesThat(int unhealthy_after, int healthy_after) {
  HealthConfig config = Probes();
  config.active->unhealthy_after = unhealthy_after;
  config.active->healthy_after = healthy_after;
  return config;
}
HealthConfig Both() {
  HealthConfig config = Calls();
  config.active = Probes().active;
  return config;
}

// --- Transitions ------------------------------------------------------------

struct Row {
  const char* name;
  HealthConfig config;
  std::vector<Input> inputs;
  std::vector<std::string> changes;
};

// The first expected change of many rows.
const char kDownByCalls[] = "ALIVE -> DOWN: 3 calls in a row failed: refused";
const char kDownByProbes[] =
    "ALIVE -> DOWN: 3 probes in a row failed: no answer";
const char kTriedAgain[] = "DOWN -> DOWN_RETRY: was down for 30s";
const char kFullText[] = "ALIVE -> OVERLOADED: overloaded: full";
const char kMarkedText[] = "ALIVE -> DOWN: marked unhealthy: deploy";

const Row kFromAlive[] = {
    {"AnswersChangeNothing", Calls(), {kAnswered, kAnswered}, {}},
    {"FailuresBelowTheLimitChangeNothing", Calls(), {kFailed, kFailed}, {}},
    {"FailuresInARow", Calls(), {kFailed, kFailed, kFailed}, {kDownByCalls}},
    {"AnAnswerBetweenFailures",
     Calls(),
     {kFailed, kFailed, kAnswered, kFailed, kFailed},
     {}},
    {"AnAbandonedCallForgivesNothing",
     Calls(),
     {kFailed, kFailed, kAbandoned, kFailed},
     {kDownByCalls}},
    {"AnOverloadForgivesNothing",
     Calls(),
     {kFailed, kFailed, kFull, kFailed},
     {kFullText, "OVERLOADED -> DOWN: 3 calls in a row failed: refused"}},
    {"AnOverloadIsNoFailure", Calls(), {kFull, kFull, kFull}, {kFullText}},
    {"ATimeout",
     Calls(),
     {kTimedOut},
     {"ALIVE -> OVERLOADED: overloaded: 100 ms"}},
    {"TimeoutsInARow",
     Calls(),
     {kTimedOut, kTimedOut, kTimedOut},
     {"ALIVE -> OVERLOADED: overloaded: 100 ms",
      "OVERLOADED -> DOWN: 3 calls in a row failed: 100 ms"}},
    {"AFailureWhereOneIsEnough",
     CallsThat(1, 1),
     {kFailed},
     {"ALIVE -> DOWN: a call failed: refused"}},
    {"ATimeoutWhereOneIsEnough",
     CallsThat(1, 1),
     {kTimedOut},
     {"ALIVE -> DOWN: a call failed: 100 ms"}},
    {"AFailureWithoutAText",
     CallsThat(1, 1),
     {Call(AttemptOutcome::kFailed, "")},
     {"ALIVE -> DOWN: a call failed"}},
    {"AnEjection",
     Calls(),
     {Ejected()},
     {"ALIVE -> DOWN: too many calls failed: 60 % of 50"}},
    {"AMark", Nothing(), {MarkedDown("deploy")}, {kMarkedText}},
    {"AMarkWithoutAReason",
     Nothing(),
     {MarkedDown("")},
     {"ALIVE -> DOWN: marked unhealthy"}},
    {"AMarkThatItIsWellForgivesAll",
     Both(),
     {kFailed, kFailed, kProbeFails, kProbeFails, MarkedUp("fixed"), kFailed,
      kFailed, kProbeFails, kProbeFails},
     {}},
    {"ProbesInARow",
     Probes(),
     {kProbeFails, kProbeFails, kProbeFails},
     {kDownByProbes}},
    {"AProbeWhereOneIsEnough",
     ProbesThat(1, 1),
     {kProbeFails},
     {"ALIVE -> DOWN: a probe failed: no answer"}},
    {"ASuccessfulProbeBetween",
     Probes(),
     {kProbeFails, kProbeFails, kProbeOk, kProbeFails, kProbeFails},
     {}},
    {"CallsDoNotForgiveProbes",
     Both(),
     {kProbeFails, kProbeFails, kAnswered, kProbeFails},
     {kDownByProbes}},
    {"ProbesDoNotForgiveCalls",
     Both(),
     {kFailed, kFailed, kProbeOk, kFailed},
     {kDownByCalls}},
    {"CallsAndProbesAreNotAddedUp",
     Both(),
     {kFailed, kProbeFails, kFailed, kProbeFails},
     {}},
    {"TimeChangesNothing", Both(), {Passes(absl::Hours(100))}, {}},
    {"WithoutPassiveNoCallCounts",
     Probes(),
     {kFailed, kTimedOut, kFull, kFailed, kFailed, Ejected()},
     {}},
    {"WithoutActiveNoProbeCounts",
     Calls(),
     {kProbeFails, kProbeFails, kProbeFails, kProbeFails},
     {}},
    {"ALowerLimitHoldsFromTheNextFailure",
     Calls(),
     {kFailed, Configured(CallsThat(1, 1)), kFailed},
     {"ALIVE -> DOWN: 2 calls in a row failed: refused"}},
};

const Row kFromOverloaded[] = {
    {"AnAnswer",
     Calls(),
     {kFull, kAnswered},
     {kFullText, "OVERLOADED -> ALIVE: a call was answered"}},
    {"Time",
     Calls(),
     {kFull, Passes(Seconds(3))},
     {kFullText, "OVERLOADED -> ALIVE: overloaded no more"}},
    {"LessTime",
     Calls(),
     {kFull, Passes(Seconds(3) - absl::Nanoseconds(1))},
     {kFullText}},
    {"AnotherOverloadBeginsTheTimeAgain",
     Calls(),
     {kFull, Passes(Seconds(2)), kFull, Passes(Seconds(2))},
     {kFullText}},
    {"AnotherTimeoutBeginsTheTimeAgain",
     Calls(),
     {kFull, Passes(Seconds(2)), kTimedOut, Passes(Seconds(2))},
     {kFullText}},
    {"TheTimeBegunAgain",
     Calls(),
     {kFull, Passes(Seconds(2)), kFull, Passes(Seconds(3))},
     {kFullText, "OVERLOADED -> ALIVE: overloaded no more"}},
    {"AFailureDoesNot",
     Calls(),
     {kFull, Passes(Seconds(2)), kFailed, Passes(Seconds(1))},
     {kFullText, "OVERLOADED -> ALIVE: overloaded no more"}},
    {"AnAbandonedCall", Calls(), {kFull, kAbandoned}, {kFullText}},
    {"TimeForgivesNoFailure",
     Calls(),
     {kTimedOut, Passes(Seconds(3)), kFailed, kFailed},
     {"ALIVE -> OVERLOADED: overloaded: 100 ms",
      "OVERLOADED -> ALIVE: overloaded no more",
      "ALIVE -> DOWN: 3 calls in a row failed: refused"}},
    {"SuccessfulProbes", Both(), {kFull, kProbeOk, kProbeOk}, {kFullText}},
    {"Probes",
     Both(),
     {kFull, kProbeFails, kProbeFails, kProbeFails},
     {kFullText, "OVERLOADED -> DOWN: 3 probes in a row failed: no answer"}},
    {"AnEjection",
     Calls(),
     {kFull, Ejected()},
     {kFullText, "OVERLOADED -> DOWN: too many calls failed: 60 % of 50"}},
    {"AMark",
     Calls(),
     {kFull, MarkedDown("deploy"), Passes(Seconds(3))},
     {kFullText, "OVERLOADED -> DOWN: marked unhealthy: deploy"}},
    {"AMarkThatItIsWell",
     Calls(),
     {kFull, MarkedUp("fixed")},
     {kFullText, "OVERLOADED -> ALIVE: marked healthy: fixed"}},
    {"CallsThatCountNoMore",
     Calls(),
     {kFull, Configured(Nothing()), Passes(absl::ZeroDuration())},
     {kFullText, "OVERLOADED -> ALIVE: its calls count no more"}},
};

// Each row begins with three failed calls.
const Row kFromDownByCalls[] = {
    {"LessThanTheWait", Calls(), {Passes(Milliseconds(29999))}, {}},
    {"TheWait", Calls(), {Passes(Seconds(30))}, {kTriedAgain}},
    {"OtherCalls",
     Calls(),
     {kAnswered, kFailed, kTimedOut, kFull, kAbandoned, Ejected(), NoTrial()},
     {}},
    {"ASuccessfulProbe", Both(), {kProbeOk, kProbeOk, kProbeOk}, {}},
    {"ProbesTakeItOverAndThereIsNoWait",
     Both(),
     {kProbeFails, kProbeFails, kProbeFails, Passes(Seconds(30)), kProbeOk},
     {"DOWN -> DOWN: 3 probes in a row failed: no answer",
      "DOWN -> DOWN_RETRY: a probe succeeded"}},
    {"AMarkTakesItOver",
     Calls(),
     {MarkedDown("deploy"), Passes(Seconds(30))},
     {"DOWN -> DOWN: marked unhealthy: deploy"}},
    {"AMarkThatItIsWell",
     Calls(),
     {MarkedUp("fixed"), kFailed, kFailed},
     {"DOWN -> ALIVE: marked healthy: fixed"}},
    {"CallsThatCountNoMore",
     Calls(),
     {Configured(Probes()), Passes(absl::ZeroDuration())},
     {"DOWN -> ALIVE: its calls count no more"}},
    {"ATrialCall",
     Calls(),
     {Passes(Seconds(30)), Trial(AttemptOutcome::kAnswered), NoTrial()},
     {kTriedAgain, "DOWN_RETRY -> ALIVE: a trial call succeeded"}},
    {"TrialCallsInARow",
     CallsThat(3, 3),
     {Passes(Seconds(30)), Trial(AttemptOutcome::kAnswered),
      Trial(AttemptOutcome::kAnswered), Trial(AttemptOutcome::kAnswered)},
     {kTriedAgain, "DOWN_RETRY -> ALIVE: 3 trial calls in a row succeeded"}},
    {"AFailedTrialBeginsTheCountAgain",
     CallsThat(3, 2),
     {Passes(Seconds(30)), Trial(AttemptOutcome::kAnswered),
      Trial(AttemptOutcome::kFailed, "reset"), Passes(Seconds(30)),
      Trial(AttemptOutcome::kAnswered)},
     {kTriedAgain, "DOWN_RETRY -> DOWN: a trial call failed: reset",
      kTriedAgain}},
    {"ATrialThatTimesOut",
     Calls(),
     {Passes(Seconds(30)), Trial(AttemptOutcome::kTimedOut, "100 ms"),
      NoTrial()},
     {kTriedAgain, "DOWN_RETRY -> DOWN: a trial call failed: 100 ms"}},
    {"AnAbandonedTrialIsTriedAgain",
     Calls(),
     {Passes(Seconds(30)), Trial(AttemptOutcome::kAbandoned),
      Trial(AttemptOutcome::kAbandoned), Trial(AttemptOutcome::kAnswered)},
     {kTriedAgain, "DOWN_RETRY -> ALIVE: a trial call succeeded"}},
    {"ATrialThatFindsItOverloaded",
     Calls(),
     {Passes(Seconds(30)), Trial(AttemptOutcome::kOverloaded, "full"),
      Passes(Seconds(3))},
     {kTriedAgain, "DOWN_RETRY -> OVERLOADED: overloaded: full",
      "OVERLOADED -> ALIVE: overloaded no more"}},
    {"OtherCallsDuringTheTrial",
     Calls(),
     {Passes(Seconds(30)), kAnswered, kFailed, kTimedOut, kFull, Ejected()},
     {kTriedAgain}},
    {"FailuresCountAfreshAfterwards",
     Calls(),
     {Passes(Seconds(30)), Trial(AttemptOutcome::kAnswered), kFailed, kFailed},
     {kTriedAgain, "DOWN_RETRY -> ALIVE: a trial call succeeded"}},
    {"AMarkDuringTheTrial",
     Calls(),
     {Passes(Seconds(30)), MarkedDown("deploy"), NoTrial()},
     {kTriedAgain, "DOWN_RETRY -> DOWN: marked unhealthy: deploy"}},
    {"AMarkThatItIsWellDuringTheTrial",
     Calls(),
     {Passes(Seconds(30)), MarkedUp("fixed"), NoTrial()},
     {kTriedAgain, "DOWN_RETRY -> ALIVE: marked healthy: fixed"}},
    {"ProbesAreTheTrial",
     Both(),
     {Passes(Seconds(30)), NoTrial(), kProbeOk, kProbeOk},
     {kTriedAgain, "DOWN_RETRY -> ALIVE: 2 probes in a row succeeded"}},
    {"AProbeThatFailsAsTheTrial",
     Both(),
     {Passes(Seconds(30)), kProbeOk, kProbeFails, Passes(Seconds(30))},
     {kTriedAgain, "DOWN_RETRY -> DOWN: a probe failed: no answer",
      kTriedAgain}},
    {"ATrialProbeThatIsOneTooMany",
     Both(),
     {kProbeFails, kProbeFails, Passes(Seconds(30)), kProbeFails,
      Passes(Seconds(30))},
     {kTriedAgain, "DOWN_RETRY -> DOWN: 3 probes in a row failed: no answer"}},
};

// Each row begins with three failed probes.
const Row kFromDownByProbes[] = {
    {"SuccessfulProbes",
     Probes(),
     {kProbeOk, kProbeOk},
     {"DOWN -> DOWN_RETRY: a probe succeeded",
      "DOWN_RETRY -> ALIVE: 2 probes in a row succeeded"}},
    {"ASuccessfulProbeWhereOneIsEnough",
     ProbesThat(3, 1),
     {kProbeOk},
     {"DOWN -> ALIVE: a probe succeeded"}},
    {"ASuccessAndAFailure",
     Probes(),
     {kProbeOk, kProbeFails, kProbeOk},
     {"DOWN -> DOWN_RETRY: a probe succeeded",
      "DOWN_RETRY -> DOWN: a probe failed: no answer",
      "DOWN -> DOWN_RETRY: a probe succeeded"}},
    {"MoreFailures", Probes(), {kProbeFails, kProbeFails}, {}},
    {"Calls",
     Both(),
     {kAnswered, kFailed, kFailed, kFailed, kFull, Ejected(), NoTrial()},
     {}},
    {"CallsDuringTheRetry",
     Both(),
     {kProbeOk, kAnswered, kFailed, kFailed, kFailed, NoTrial()},
     {"DOWN -> DOWN_RETRY: a probe succeeded"}},
    {"Time", Both(), {Passes(absl::Hours(100))}, {}},
    {"TimeDuringTheRetry",
     Both(),
     {kProbeOk, Passes(absl::Hours(100))},
     {"DOWN -> DOWN_RETRY: a probe succeeded"}},
    {"AMarkTakesItOver",
     Probes(),
     {MarkedDown("deploy"), kProbeOk, kProbeOk},
     {"DOWN -> DOWN: marked unhealthy: deploy"}},
    {"AMarkThatItIsWell",
     Probes(),
     {MarkedUp("fixed"), kProbeFails, kProbeFails},
     {"DOWN -> ALIVE: marked healthy: fixed"}},
    {"ProbesThatAreNoMore",
     Probes(),
     {Configured(Calls()), Passes(absl::ZeroDuration())},
     {"DOWN -> ALIVE: it is probed no more"}},
    {"ProbesThatAreNoMoreDuringTheRetry",
     Probes(),
     {kProbeOk, Configured(Calls()), Passes(absl::ZeroDuration())},
     {"DOWN -> DOWN_RETRY: a probe succeeded",
      "DOWN_RETRY -> ALIVE: it is probed no more"}},
};

class FromAlive : public ::testing::TestWithParam<Row> {};
class FromOverloaded : public ::testing::TestWithParam<Row> {};
class FromDownByCalls : public ::testing::TestWithParam<Row> {};
class FromDownByProbes : public ::testing::TestWithParam<Row> {};

std::string NameOf(const ::testing::TestParamInfo<Row>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(After, FromAlive, ::testing::ValuesIn(kFromAlive),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(After, FromOverloaded,
                         ::testing::ValuesIn(kFromOverloaded), NameOf);
INSTANTIATE_TEST_SUITE_P(After, FromDownByCalls,
                         ::testing::ValuesIn(kFromDownByCalls), NameOf);
INSTANTIATE_TEST_SUITE_P(After, FromDownByProbes,
                         ::testing::ValuesIn(kFromDownByProbes), NameOf);

std::vector<std::string> Changes(const Row& row,
                                 const std::vector<Input>& before = {}) {
  Life life(row.config);
  for (const Input& input : before) input(life);
  for (const Input& input : row.inputs) input(life);
  return life.changes;
}

std::vector<std::string> Plus(const char* first, const Row& row) {
  std::vector<std::string> all = {first};
  all.insert(all.end(), row.changes.begin(), row.changes.end());
  return all;
}

TEST_P(FromAlive, TheseChanges) {
  EXPECT_EQ(Changes(GetParam()), GetParam().changes);
}
TEST_P(FromOverloaded, TheseChanges) {
  EXPECT_EQ(Changes(GetParam()), GetParam().changes);
}
TEST_P(FromDownByCalls, TheseChanges) {
  EXPECT_EQ(Changes(GetParam(), {kFailed, kFailed, kFailed}),
            Plus(kDownByCalls, GetParam()));
}
TEST_P(FromDownByProbes, TheseChanges) {
  EXPECT_EQ(Changes(GetParam(), {kProbeFails, kProbeFails, kProbeFails}),
            Plus(kDownByProbes, GetParam()));
}

// --- Marks, trials, texts ---------------------------------------------------

TEST(HealthTrackerTest, AllStartAliveWithoutAReason) {
  const HealthTracker tracker(Both(), 1);
  EXPECT_EQ(tracker.state(), BackendState::kAlive);
  EXPECT_EQ(tracker.cause(), HealthCause::kNone);
  EXPECT_EQ(tracker.reason(), "");
  EXPECT_EQ(tracker.since(), absl::InfinitePast());
  EXPECT_EQ(tracker.next_change(), absl::InfiniteFuture());
}

TEST(HealthTrackerTest, AMarkStaysWhateverHappensUntilTheOtherMark) {
  Life life(Both());
  MarkedDown("deploy")(life);
  const absl::Time marked = life.now;
  for (const Input& input : kEverything) {
    input(life);
    NoTrial()(life);
    EXPECT_EQ(life.tracker.cause(), HealthCause::kManual);
    EXPECT_EQ(life.tracker.next_change(), absl::InfiniteFuture());
  }
  MarkedDown("another reason")(life);
  EXPECT_EQ(life.tracker.reason(), "marked unhealthy: deploy");
  EXPECT_EQ(life.tracker.since(), marked);
  MarkedUp("deployed")(life);
  EXPECT_EQ(life.changes,
            std::vector<std::string>(
                {kMarkedText, "DOWN -> ALIVE: marked healthy: deployed"}));
}

TEST(HealthTrackerTest, ADownThatIsTakenOverIsDownSinceItBegan) {
  Life life(Both());
  Ejected()(life);
  const absl::Time down = life.now;
  EXPECT_EQ(life.tracker.cause(), HealthCause::kFailureRate);
  for (int i = 0; i < 3; ++i) {
    life.now += Seconds(1);
    kProbeFails(life);
  }
  EXPECT_EQ(life.tracker.cause(), HealthCause::kProbe);
  EXPECT_EQ(life.tracker.since(), down);
  MarkedDown("deploy")(life);
  EXPECT_EQ(life.tracker.cause(), HealthCause::kManual);
  EXPECT_EQ(life.tracker.since(), down);
}

TEST(HealthTrackerTest, ATrialOfAnEarlierRetryDecidesNothingAndBlocksTheNext) {
  Life life(CallsThat(1, 1));
  kFailed(life);
  Passes(Seconds(30))(life);
  ASSERT_TRUE(life.tracker.TryBeginTrial());
  MarkedUp("fixed")(life);
  kFailed(life);
  Passes(Seconds(30))(life);
  ASSERT_EQ(life.tracker.state(), BackendState::kDownRetry);
  EXPECT_FALSE(life.tracker.TryBeginTrial());
  life.Note(
      life.tracker.OnCallEnded(AttemptOutcome::kAnswered, "", true, life.now));
  EXPECT_EQ(life.tracker.state(), BackendState::kDownRetry);
  EXPECT_TRUE(life.tracker.TryBeginTrial());
}

TEST(HealthTrackerTest, ATrialCallDecidesNothingOnceThereAreProbes) {
  Life life(CallsThat(1, 1));
  kFailed(life);
  Passes(Seconds(30))(life);
  ASSERT_TRUE(life.tracker.TryBeginTrial());
  EXPECT_TRUE(life.tracker.trials_by_calls());
  life.tracker.SetConfig(Both());
  EXPECT_FALSE(life.tracker.trials_by_calls());
  life.Note(
      life.tracker.OnCallEnded(AttemptOutcome::kAnswered, "", true, life.now));
  EXPECT_EQ(life.tracker.state(), BackendState::kDownRetry);
  EXPECT_FALSE(life.tracker.TryBeginTrial());
}

struct CutRow {
  const char* name;
  std::string text;
  size_t kept;
};

const CutRow kCuts[] = {
    {"AsLongAsMayBe", std::string(200, 'x'), 200},
    {"AByteMore", std::string(201, 'x'), 200},
    {"ALot", std::string(1 << 20, 'x'), 200},
    {"TwoBytesAcrossTheEnd", std::string(199, 'x') + "\xC3\xA9", 199},
    {"TwoBytesUpToTheEnd", std::string(198, 'x') + "\xC3\xA9y", 200},
    {"ThreeBytesAcrossTheEnd", std::string(198, 'x') + "\xE2\x82\xAC", 198},
    {"FourBytesAcrossTheEnd", std::string(197, 'x') + "\xF0\x9F\x98\x80", 197},
    {"NoUtf8", std::string(300, '\x80'), 197},
};

class ReasonTest : public ::testing::TestWithParam<CutRow> {};
INSTANTIATE_TEST_SUITE_P(Texts, ReasonTest, ::testing::ValuesIn(kCuts),
                         [](const ::testing::TestParamInfo<CutRow>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(ReasonTest, IsCutBetweenCharacters) {
  const std::string kept = GetParam().text.substr(0, GetParam().kept);
  Life life(CallsThat(1, 1));
  Call(AttemptOutcome::kFailed, GetParam().text)(life);
  EXPECT_EQ(life.tracker.reason(), absl::StrCat("a call failed: ", kept));
  MarkedDown(GetParam().text)(life);
  EXPECT_EQ(life.tracker.reason(), absl::StrCat("marked unhealthy: ", kept));
}

// --- Ejections that the owner bounds
// ------------------------------------------

TEST(HealthTrackerTest, AFailureThatMayNotEjectIsCountedAnew) {
  HealthTracker tracker(Calls(), 1);
  const absl::Time now = absl::UnixEpoch();
  int asked = 0;
  bool may_eject = false;
  const auto fail = [&](AttemptOutcome outcome) {
    return tracker.OnCallEnded(outcome, "refused", /*was_trial=*/false, now,
                               [&]() {
                                 ++asked;
                                 return may_eject;
                               });
  };
  for (int i = 1; i <= 6; ++i) {
    EXPECT_FALSE(fail(AttemptOutcome::kFailed).has_value()) << i;
    EXPECT_EQ(asked, i / 3) << "only when it would be DOWN";
  }
  EXPECT_EQ(tracker.state(), BackendState::kAlive);
  fail(AttemptOutcome::kFailed);
  fail(AttemptOutcome::kFailed);
  // An attempt that timed out is a sign of overload all the same.
  const Change overloaded = fail(AttemptOutcome::kTimedOut);
  ASSERT_TRUE(overloaded.has_value());
  EXPECT_EQ(overloaded->to, BackendState::kOverloaded);
  may_eject = true;
  fail(AttemptOutcome::kFailed);
  fail(AttemptOutcome::kFailed);
  const Change down = fail(AttemptOutcome::kFailed);
  ASSERT_TRUE(down.has_value());
  EXPECT_EQ(down->to, BackendState::kDown);
  EXPECT_EQ(down->reason, "3 calls in a row failed: refused");
}

TEST(HealthTrackerTest, OnlyAnEjectionCanBeEnded) {
  const absl::Time now = absl::UnixEpoch();
  HealthTracker tracker(Both(), 1);
  EXPECT_FALSE(tracker.EndEjection("x", now).has_value());
  for (int i = 0; i < 3; ++i) {
    tracker.OnCallEnded(AttemptOutcome::kFailed, "", false, now);
  }
  ASSERT_TRUE(tracker.ejected());
  const Change up = tracker.EndEjection("too many were out", now);
  ASSERT_TRUE(up.has_value());
  EXPECT_EQ(up->to, BackendState::kAlive);
  EXPECT_EQ(up->reason, "too many were out");
  EXPECT_FALSE(tracker.ejected());
  tracker.OnEjected("", now);
  EXPECT_TRUE(tracker.ejected());
  EXPECT_TRUE(tracker.EndEjection("", now).has_value());
  tracker.MarkUnhealthy("", now);
  EXPECT_FALSE(tracker.EndEjection("", now).has_value());
  tracker.MarkHealthy("", now);
  for (int i = 0; i < 3; ++i) tracker.OnProbe(false, "", now);
  ASSERT_EQ(tracker.state(), BackendState::kDown);
  EXPECT_FALSE(tracker.ejected());
  EXPECT_FALSE(tracker.EndEjection("", now).has_value());
}

}  // namespace
}  // namespace multi_backend
