// How long HealthTracker keeps a backend DOWN, how often it has the backend
// probed, and the combined effect over some minutes of virtual time.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/health/state/tracker.h"

namespace multi_backend {
namespace {

using absl::Milliseconds;
using absl::Seconds;

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);

HealthConfig Calls(absl::Duration wait, absl::Duration longest) {
  HealthConfig config;
  config.passive.emplace();
  config.passive->down_retry_after = wait;
  config.passive->max_down_retry_after = longest;
  config.passive->overloaded_for = Seconds(3);
  return config;
}

// --- Waits ------------------------------------------------------------------

// Drives a tracker to DOWN and fails its trials.
class Waits {
 public:
  Waits(const HealthConfig& config, uint64_t seed) : tracker_(config, seed) {}

  // Goes from ALIVE to DOWN and returns the wait that begins.
  absl::Duration GoDown() {
    EXPECT_TRUE(tracker_.OnEjected("x", now_));
    return tracker_.next_change() - now_;
  }
  void WaitAndTry(AttemptOutcome outcome) {
    now_ = tracker_.next_change();
    EXPECT_FALSE(tracker_.OnTime(now_ - absl::Nanoseconds(1)));
    EXPECT_TRUE(tracker_.OnTime(now_));
    EXPECT_TRUE(tracker_.TryBeginTrial());
    EXPECT_TRUE(tracker_.OnCallEnded(outcome, "x", true, now_));
  }
  absl::Duration FailTrial() {
    WaitAndTry(AttemptOutcome::kFailed);
    return tracker_.next_change() - now_;
  }
  void ComeBack() { WaitAndTry(AttemptOutcome::kAnswered); }
  void Pass(absl::Duration time) { now_ += time; }
  HealthTracker& tracker() { return tracker_; }
  absl::Time now() const { return now_; }

 private:
  HealthTracker tracker_;
  absl::Time now_ = kStart;
};

struct WaitRow {
  const char* name;
  absl::Duration wait;
  absl::Duration longest;
  std::vector<absl::Duration> nominal;
};

const WaitRow kWaits[] = {
    {"TheDefaults",
     Seconds(1),
     Seconds(30),
     {Seconds(1), Seconds(2), Seconds(4), Seconds(8), Seconds(16), Seconds(30),
      Seconds(30)}},
    {"AMaximumOnTheWay",
     Milliseconds(10),
     Milliseconds(41),
     {Milliseconds(10), Milliseconds(20), Milliseconds(40), Milliseconds(41),
      Milliseconds(41)}},
    {"AlwaysTheMaximum",
     Seconds(5),
     Seconds(5),
     {Seconds(5), Seconds(5), Seconds(5)}},
    {"AMaximumBelowTheFirst",
     Seconds(5),
     Seconds(2),
     {Seconds(2), Seconds(2), Seconds(2)}},
    {"ALongWay",
     absl::Nanoseconds(1),
     absl::Hours(24 * 365),
     {absl::Nanoseconds(1), absl::Nanoseconds(2), absl::Nanoseconds(4)}},
};

class WaitTest : public ::testing::TestWithParam<WaitRow> {};
INSTANTIATE_TEST_SUITE_P(Series, WaitTest, ::testing::ValuesIn(kWaits),
                         [](const ::testing::TestParamInfo<WaitRow>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(WaitTest, DoublesWithAtMostATenthAtRandomAndNeverShortens) {
  const WaitRow& row = GetParam();
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Waits waits(Calls(row.wait, row.longest), seed);
    absl::Duration before = absl::ZeroDuration();
    for (size_t i = 0; i < row.nominal.size(); ++i) {
      const absl::Duration wait = i == 0 ? waits.GoDown() : waits.FailTrial();
      EXPECT_GE(wait, row.nominal[i]) << i;
      EXPECT_LE(wait, std::min(row.longest, 1.1 * row.nominal[i])) << i;
      EXPECT_GE(wait, before) << i;
      before = wait;
    }
    // From here on no wait is shorter than the one before, and the last is
    // exactly the maximum.
    for (int i = 0; i < 100; ++i) {
      const absl::Duration wait = waits.FailTrial();
      EXPECT_GE(wait, before);
      before = wait;
    }
    EXPECT_EQ(before, row.longest);
  }
}

TEST(WaitTest, TheRandomPartPartsClientsEvenly) {
  // Counts the waits of 1000 consecutive seeds by tenths of the random part.
  // Each tenth must have 100 +- 60.  The seeds are fixed, so this cannot fail
  // by chance.
  std::vector<int> tenths(10);
  std::set<absl::Duration> different;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Waits waits(Calls(Seconds(1), Seconds(30)), seed);
    const absl::Duration wait = waits.GoDown();
    different.insert(wait);
    const double tenth =
        absl::FDivDuration(wait - Seconds(1), Milliseconds(10));
    ++tenths[std::min(9, static_cast<int>(tenth))];
  }
  EXPECT_GT(different.size(), 990u);
  for (const int count : tenths) {
    EXPECT_GT(count, 40);
    EXPECT_LT(count, 160);
  }
}

TEST(WaitTest, ATimeUpShorterThanTheMaximumDoesNotEndTheDoubling) {
  Waits waits(Calls(Seconds(1), Seconds(30)), 1);
  absl::Duration before = waits.GoDown();
  for (int i = 0; i < 10; ++i) {
    waits.ComeBack();
    waits.Pass(Seconds(30) - absl::Nanoseconds(1));
    const absl::Duration wait = waits.GoDown();
    EXPECT_GE(wait, std::min(Seconds(30), before * 1.8));
    before = wait;
  }
}

TEST(WaitTest, TheMaximumUpEndsIt) {
  Waits waits(Calls(Seconds(1), Seconds(30)), 1);
  waits.GoDown();
  for (int i = 0; i < 10; ++i) {
    waits.FailTrial();
    waits.FailTrial();
    waits.ComeBack();
    // Being OVERLOADED does not interrupt the time that the backend is up.
    waits.Pass(Seconds(15));
    EXPECT_TRUE(waits.tracker().OnCallEnded(AttemptOutcome::kOverloaded, "",
                                            false, waits.now()));
    waits.Pass(Seconds(15));
    EXPECT_LE(waits.GoDown(), Milliseconds(1100));
  }
}

TEST(WaitTest, ADownOfAnotherCauseBreaksTheTimeUpButEndsALongOne) {
  for (const bool long_up : {false, true}) {
    HealthConfig config = Calls(Seconds(1), Seconds(30));
    Waits waits(config, 1);
    waits.GoDown();
    waits.FailTrial();
    waits.ComeBack();
    waits.Pass(long_up ? Seconds(30) : Seconds(20));
    config.active.emplace();
    config.active->unhealthy_after = 1;
    config.active->healthy_after = 1;
    waits.tracker().SetConfig(config);
    EXPECT_TRUE(waits.tracker().OnProbe(false, "", waits.now()));
    waits.Pass(Seconds(20));
    EXPECT_TRUE(waits.tracker().OnProbe(true, "", waits.now()));
    waits.Pass(Seconds(20));
    EXPECT_EQ(waits.GoDown() < Seconds(2), long_up);
  }
}

TEST(WaitTest, AMarkThatItIsWellEndsTheDoubling) {
  Waits waits(Calls(Seconds(1), Seconds(30)), 1);
  waits.GoDown();
  waits.FailTrial();
  EXPECT_TRUE(waits.tracker().MarkHealthy("", waits.now()));
  EXPECT_LE(waits.GoDown(), Milliseconds(1100));
}

// --- Probes' pace -----------------------------------------------------------

struct PaceRow {
  const char* name;
  absl::Duration interval;
  const char* probes;  // "+" succeeded, "-" failed; thresholds 3 and 2.
  absl::Duration delay;
};

const PaceRow kPaces[] = {
    {"AtTheBeginning", Seconds(5), "", Seconds(5)},
    {"AfterSuccess", Seconds(5), "++", Seconds(5)},
    {"AfterOneFailure", Seconds(5), "-", Milliseconds(2500)},
    {"AfterTwoFailures", Seconds(5), "--", Milliseconds(2500)},
    {"WhenItWasNoMoreThanThat", Seconds(5), "--+", Seconds(5)},
    {"Down", Seconds(5), "---", Seconds(5)},
    {"DownForTwoProbes", Seconds(5), "-----", Seconds(5)},
    {"DownForThreeProbes", Seconds(5), "------", Seconds(10)},
    {"DownForLong", Seconds(5), "--------------------", Seconds(10)},
    {"OnceSucceeded", Seconds(5), "---+", Milliseconds(2500)},
    {"OnceSucceededAfterLong", Seconds(5), "--------+", Milliseconds(2500)},
    {"Back", Seconds(5), "--------++", Seconds(5)},
    {"DownAgain", Seconds(5), "--------++---", Seconds(5)},
    {"NotBelow100Milliseconds", Milliseconds(150), "-", Milliseconds(100)},
    {"NotAboveTheInterval", Milliseconds(50), "-", Milliseconds(50)},
};

class PaceTest : public ::testing::TestWithParam<PaceRow> {};
INSTANTIATE_TEST_SUITE_P(Probes, PaceTest, ::testing::ValuesIn(kPaces),
                         [](const ::testing::TestParamInfo<PaceRow>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(PaceTest, IsTheDelayToTheNext) {
  HealthConfig config;
  config.passive.reset();
  config.active.emplace();
  config.active->interval = GetParam().interval;
  HealthTracker tracker(config, 1);
  for (const char* probe = GetParam().probes; *probe != '\0'; ++probe) {
    tracker.OnProbe(*probe == '+', "", kStart);
  }
  EXPECT_EQ(tracker.probe_delay(), GetParam().delay);
}

TEST(PaceTest, WithoutProbesThereIsNone) {
  EXPECT_EQ(HealthTracker(Calls(Seconds(1), Seconds(2)), 1).probe_delay(),
            absl::InfiniteDuration());
}

TEST(PaceTest, ABackendThatIsMarkedForLongIsProbedLessOften) {
  HealthConfig config;
  config.passive.reset();
  config.active.emplace();
  HealthTracker tracker(config, 1);
  tracker.MarkUnhealthy("", kStart);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(tracker.probe_delay(), Seconds(5));
    tracker.OnProbe(true, "", kStart);
  }
  EXPECT_EQ(tracker.probe_delay(), Seconds(10));
}

// --- Over minutes -----------------------------------------------------------

TEST(ScenarioTest, HealthThatAlternatesWithEveryProbeDoesNotFlap) {
  HealthConfig config;
  config.passive.reset();
  config.active.emplace();
  config.active->interval = Milliseconds(100);
  for (const bool first : {false, true}) {
    HealthTracker tracker(config, 1);
    int changes = 0;
    bool healthy = first;
    for (absl::Time now = kStart; now < kStart + Seconds(20);
         now += tracker.probe_delay()) {
      changes += tracker.OnProbe(healthy, "", now).has_value();
      healthy = !healthy;
    }
    EXPECT_LE(changes, 2);
  }
}

// What happens to a backend that fails in the first 300 ms of every 2 s and is
// called every millisecond while it may be called.
struct Ejections {
  std::vector<absl::Duration> waits;   // In DOWN.
  std::vector<absl::Duration> absent;  // From leaving ALIVE until ALIVE again.
  int calls_failed = 0;
};

Ejections FailNowAndThen(uint64_t seed, absl::Duration how_long) {
  HealthTracker tracker(Calls(Seconds(1), Seconds(30)), seed);
  Ejections ejections;
  absl::Time left = kStart;
  for (absl::Time now = kStart; now < kStart + how_long;
       now += Milliseconds(1)) {
    if (now >= tracker.next_change()) tracker.OnTime(now);
    const bool trial = tracker.TryBeginTrial();
    const bool up = tracker.state() == BackendState::kAlive;
    if (!trial && !up) continue;
    const bool fails = (now - kStart) % Seconds(2) < Milliseconds(300);
    ejections.calls_failed += fails;
    const auto change = tracker.OnCallEnded(
        fails ? AttemptOutcome::kFailed : AttemptOutcome::kAnswered, "", trial,
        now);
    if (!change) continue;
    if (change->to == BackendState::kDown) {
      ejections.waits.push_back(tracker.next_change() - now);
      if (up) left = now;
    } else {
      ejections.absent.push_back(now - left);
    }
  }
  return ejections;
}

TEST(ScenarioTest, EachEjectionOfABackendThatFailsNowAndThenIsLonger) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Ejections ejections = FailNowAndThen(seed, absl::Minutes(5));
    ASSERT_GE(ejections.waits.size(), 8u);
    for (size_t i = 1; i < ejections.waits.size(); ++i) {
      EXPECT_GE(ejections.waits[i], ejections.waits[i - 1]) << seed;
    }
    EXPECT_EQ(ejections.waits.back(), Seconds(30));
    EXPECT_LT(ejections.waits[4], Seconds(30));
    for (size_t i = 1; i < ejections.absent.size(); ++i) {
      EXPECT_GE(ejections.absent[i],
                std::min(Seconds(30), ejections.absent[i - 1]))
          << seed;
    }
    // At most three calls fail for each DOWN from ALIVE, and one for each
    // trial.
    EXPECT_LE(ejections.calls_failed,
              3 * static_cast<int>(ejections.waits.size()));
  }
}

TEST(ScenarioTest, ABackendThatIsDeadForAMinuteCostsThreeCallsAndFewTrials) {
  HealthTracker tracker(Calls(Seconds(1), Seconds(30)), 1);
  int calls = 0;
  absl::Time now = kStart;
  for (; now < kStart + Seconds(60); now += Milliseconds(1)) {
    tracker.OnTime(now);
    const bool trial = tracker.TryBeginTrial();
    if (!trial && tracker.state() != BackendState::kAlive) continue;
    tracker.OnCallEnded(AttemptOutcome::kFailed, "", trial, now);
    ++calls;
  }
  // Trials come 1, 3, 7, 15 and 31 seconds after the failure, or a little
  // later.
  EXPECT_EQ(calls, 3 + 5);
  EXPECT_LE(tracker.next_change(), now + Seconds(30));
}

}  // namespace
}  // namespace multi_backend
