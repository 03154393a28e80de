// Runs HealthTracker through all short sequences of inputs and compares it with
// an oracle that looks back through the whole history.
#include <cstdint>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "multi_backend/health/state/tracker.h"
#include "multi_backend/tests/testing/health_oracle.h"

namespace multi_backend {
namespace {

using testing::HealthInput;
using testing::HealthOracle;
using testing::HealthStep;

// One thing that can happen next.
struct Move {
  const char* name;
  enum Kind {
    kInput,
    kTimer,  // Time advances to next_change(), and OnTime() runs.
    kPause,  // Time passes without OnTime(), which is then late.
    kOtherConfig,
  } kind = kInput;
  HealthInput input = HealthInput::kTime;
  AttemptOutcome outcome = AttemptOutcome::kAnswered;
  absl::Duration pause = absl::ZeroDuration();
};

constexpr absl::Duration kBase = absl::Seconds(1);
constexpr absl::Duration kLongest = absl::Seconds(4);

const Move kMoves[] = {
    {"answered", Move::kInput, HealthInput::kCallEnds,
     AttemptOutcome::kAnswered},
    {"failed", Move::kInput, HealthInput::kCallEnds, AttemptOutcome::kFailed},
    {"timed out", Move::kInput, HealthInput::kCallEnds,
     AttemptOutcome::kTimedOut},
    {"trial begins", Move::kInput, HealthInput::kTrialBegins},
    {"trial answered", Move::kInput, HealthInput::kTrialEnds,
     AttemptOutcome::kAnswered},
    {"trial failed", Move::kInput, HealthInput::kTrialEnds,
     AttemptOutcome::kFailed},
    {"probe succeeded", Move::kInput, HealthInput::kProbeSucceeds},
    {"probe failed", Move::kInput, HealthInput::kProbeFails},
    {"timer", Move::kTimer},
    {"4 s pass", Move::kPause, {}, {}, kLongest},
    // The rarer moves begin here; kCommonMoves is their index.
    {"overloaded", Move::kInput, HealthInput::kCallEnds,
     AttemptOutcome::kOverloaded},
    {"abandoned", Move::kInput, HealthInput::kCallEnds,
     AttemptOutcome::kAbandoned},
    {"trial timed out", Move::kInput, HealthInput::kTrialEnds,
     AttemptOutcome::kTimedOut},
    {"trial overloaded", Move::kInput, HealthInput::kTrialEnds,
     AttemptOutcome::kOverloaded},
    {"trial abandoned", Move::kInput, HealthInput::kTrialEnds,
     AttemptOutcome::kAbandoned},
    {"ejected", Move::kInput, HealthInput::kIsEjected},
    {"marked unhealthy", Move::kInput, HealthInput::kMarkUnhealthy},
    {"marked healthy", Move::kInput, HealthInput::kMarkHealthy},
    {"OnTime", Move::kInput, HealthInput::kTime},
    {"1 s passes", Move::kPause, {}, {}, absl::Seconds(1)},
    {"the other configuration", Move::kOtherConfig},
};
constexpr size_t kCommonMoves = 10;
constexpr size_t kAllMoves = sizeof(kMoves) / sizeof(kMoves[0]);

class Walk {
 public:
  // `other` is the configuration that the move kOtherConfig sets; may be null.
  Walk(const HealthConfig& config, const HealthConfig* other, bool merge)
      : merge_(merge), configs_{&config, other}, oracle_(&history_) {}

  // Runs all sequences of at most `depth` moves out of the first `moves` moves.
  void Run(int depth, size_t moves = kAllMoves) {
    depth_ = depth;
    moves_ = moves;
    Go(HealthTracker(*configs_[0], 7), 0, absl::UnixEpoch(), kBase, 0);
  }
  int64_t steps() const { return steps_; }

 private:
  // A rough summary of a history.  Of histories with the same summary, only one
  // is continued.  A summary that is too rough reduces only the coverage of
  // long sequences.
  using Picture = std::tuple<int, int, int, int, int, int, int, int, bool,
                             int64_t, int64_t>;

  void Go(const HealthTracker& tracker, int config, absl::Time now,
          absl::Duration backoff, int depth) {
    if (depth == depth_ || ::testing::Test::HasFailure()) return;
    if (merge_ &&
        !seen_.insert(Look(tracker, config, now, backoff, depth)).second) {
      return;
    }
    for (size_t i = 0; i < moves_; ++i) {
      path_.push_back(kMoves[i].name);
      Make(kMoves[i], tracker, config, now, backoff, depth);
      path_.pop_back();
    }
  }

  Picture Look(const HealthTracker& tracker, int config, absl::Time now,
               absl::Duration backoff, int depth) const {
    const auto seconds = [](absl::Duration d) {
      return absl::ToInt64Seconds(absl::Floor(d, absl::Seconds(1)));
    };
    return Picture(depth, config, static_cast<int>(oracle_.state()),
                   static_cast<int>(oracle_.cause()),
                   oracle_.CallsFailedInARow(), oracle_.ProbesFailedInARow(),
                   oracle_.TrialsSucceededInARow(),
                   static_cast<int>(seconds(backoff)), oracle_.TrialIsOut(),
                   seconds(tracker.next_change() - now),
                   seconds(std::min(now - oracle_.Since(), kLongest)));
  }

  void Make(const Move& move, HealthTracker tracker, int config, absl::Time now,
            absl::Duration backoff, int depth) {
    switch (move.kind) {
      case Move::kPause:
        Go(tracker, config, now + move.pause, backoff, depth + 1);
        return;
      case Move::kOtherConfig:
        if (configs_[1] == nullptr) return;
        tracker.SetConfig(*configs_[1 - config]);
        Compare(tracker, *configs_[1 - config]);
        Go(tracker, 1 - config, now, backoff, depth + 1);
        return;
      case Move::kTimer:
        if (tracker.next_change() <= now ||
            tracker.next_change() == absl::InfiniteFuture()) {
          return;
        }
        now = tracker.next_change();
        break;
      case Move::kInput:
        if (move.input == HealthInput::kTrialEnds && !oracle_.TrialIsOut()) {
          return;
        }
        break;
    }
    ++steps_;
    const HealthStep before{move.input, move.outcome, now, configs_[config]};
    HealthStep step = oracle_.Foretell(before);
    const BackendState from = oracle_.state();
    Apply(step, from, &tracker);
    const bool began_wait = step.changed && step.state == BackendState::kDown &&
                            testing::IsOfCalls(step.cause);
    if (began_wait) step.wait = tracker.next_change() - now;
    history_.push_back(step);
    Compare(tracker, *configs_[config]);
    if (began_wait) backoff = CheckWait(step.wait);
    Go(tracker, config, now, backoff, depth + 1);
    history_.pop_back();
  }

  void Apply(const HealthStep& step, BackendState from,
             HealthTracker* tracker) {
    absl::optional<HealthChange> change;
    switch (step.input) {
      case HealthInput::kCallEnds:
        change = tracker->OnCallEnded(step.outcome, "x", false, step.at);
        break;
      case HealthInput::kTrialBegins:
        ASSERT_EQ(tracker->TryBeginTrial(), step.trial_counts) << Path();
        break;
      case HealthInput::kTrialEnds:
        change = tracker->OnCallEnded(step.outcome, "x", true, step.at);
        break;
      case HealthInput::kProbeSucceeds:
      case HealthInput::kProbeFails:
        change = tracker->OnProbe(step.input == HealthInput::kProbeSucceeds,
                                  "x", step.at);
        break;
      case HealthInput::kIsEjected:
        change = tracker->OnEjected("x", step.at);
        break;
      case HealthInput::kMarkUnhealthy:
        change = tracker->MarkUnhealthy("x", step.at);
        break;
      case HealthInput::kMarkHealthy:
        change = tracker->MarkHealthy("x", step.at);
        break;
      case HealthInput::kTime:
        change = tracker->OnTime(step.at);
        break;
    }
    ASSERT_EQ(change.has_value(), step.changed) << Path();
    if (!change) return;
    ASSERT_EQ(change->from, from) << Path();
    ASSERT_EQ(change->to, step.state) << Path();
    ASSERT_EQ(change->at, step.at) << Path();
    ASSERT_EQ(change->reason, tracker->reason()) << Path();
    ASSERT_NE(change->reason, "") << Path();
  }

  void Compare(const HealthTracker& tracker, const HealthConfig& config) {
    ASSERT_EQ(tracker.state(), oracle_.state()) << Path();
    ASSERT_EQ(tracker.cause(), oracle_.cause()) << Path();
    ASSERT_EQ(tracker.since(), oracle_.Since()) << Path();
    ASSERT_EQ(tracker.next_change(), oracle_.Due(config)) << Path();
    ASSERT_EQ(tracker.probe_delay(), oracle_.ProbeDelay(config)) << Path();
    ASSERT_EQ(tracker.trials_by_calls(), oracle_.TrialsByCalls(config))
        << Path();
    // Holds independently of the oracle: only MarkHealthy() ends a manual mark.
    bool marked = false;
    for (const HealthStep& step : history_) {
      if (step.input == HealthInput::kMarkUnhealthy) marked = true;
      if (step.input == HealthInput::kMarkHealthy) marked = false;
    }
    ASSERT_EQ(marked, tracker.cause() == HealthCause::kManual) << Path();
    if (marked) {
      ASSERT_EQ(tracker.state(), BackendState::kDown) << Path();
    }
  }

  // Checks the wait that the last step began, and returns its nominal length.
  absl::Duration CheckWait(absl::Duration wait) {
    const absl::Duration nominal = oracle_.NominalWait();
    EXPECT_GE(wait, nominal) << Path();
    EXPECT_LE(wait, std::min(kLongest, 1.1 * nominal)) << Path();
    if (nominal == kBase) return nominal;
    // The doubling did not start anew, so no wait may be shorter than the one
    // before.
    absl::Duration before = absl::ZeroDuration();
    for (size_t i = 0; i + 1 < history_.size(); ++i) {
      if (history_[i].wait > absl::ZeroDuration()) before = history_[i].wait;
    }
    EXPECT_GE(wait, before) << Path();
    return nominal;
  }

  std::string Path() const { return absl::StrJoin(path_, ", "); }

  const bool merge_;
  const HealthConfig* const configs_[2];
  int depth_ = 0;
  size_t moves_ = 0;
  int64_t steps_ = 0;
  std::vector<HealthStep> history_;
  const HealthOracle oracle_;
  std::vector<const char*> path_;
  std::unordered_set<Picture, absl::Hash<Picture>> seen_;
};

struct WalkCase {
  const char* name;
  bool active;
  bool passive;
  // The values of unhealthy_after and healthy_after for calls and for probes.
  int calls_unhealthy, calls_healthy;
  int probes_unhealthy, probes_healthy;
};

const WalkCase kWalks[] = {
    {"Calls", false, true, 2, 1, 0, 0},
    {"CallsThatHaveToSucceedTwice", false, true, 1, 2, 0, 0},
    {"Probes", true, false, 0, 0, 2, 2},
    {"ProbesThatDecideAtOnce", true, false, 0, 0, 1, 1},
    {"CallsAndProbes", true, true, 2, 1, 2, 2},
    {"CallsAndSlowProbes", true, true, 1, 1, 3, 2},
    {"Nothing", false, false, 0, 0, 0, 0},
};

HealthConfig Config(const WalkCase& walk) {
  HealthConfig config;
  config.passive.reset();
  if (walk.active) {
    config.active.emplace();
    config.active->interval = absl::Milliseconds(500);
    config.active->unhealthy_after = walk.probes_unhealthy;
    config.active->healthy_after = walk.probes_healthy;
  }
  if (walk.passive) {
    config.passive.emplace();
    config.passive->unhealthy_after = walk.calls_unhealthy;
    config.passive->healthy_after = walk.calls_healthy;
    config.passive->down_retry_after = kBase;
    config.passive->max_down_retry_after = kLongest;
    config.passive->overloaded_for = absl::Seconds(2);
  }
  return config;
}

class HealthTrackerWalk : public ::testing::TestWithParam<WalkCase> {};

INSTANTIATE_TEST_SUITE_P(Configs, HealthTrackerWalk,
                         ::testing::ValuesIn(kWalks),
                         [](const ::testing::TestParamInfo<WalkCase>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(HealthTrackerWalk, EverySequenceOfInputsDoesWhatTheOracleSays) {
  const HealthConfig config = Config(GetParam());
  Walk walk(config, nullptr, /*merge=*/false);
  walk.Run(4);
  EXPECT_GT(walk.steps(), 20000);
}

TEST_P(HealthTrackerWalk, LongerOnesOfTheCommonInputsDo) {
  const HealthConfig config = Config(GetParam());
  Walk walk(config, nullptr, /*merge=*/false);
  walk.Run(6, kCommonMoves);
  EXPECT_GT(walk.steps(), 20000);
}

TEST_P(HealthTrackerWalk, LongOnesDoFromEachSituationOn) {
  const HealthConfig config = Config(GetParam());
  Walk walk(config, nullptr, /*merge=*/true);
  walk.Run(16);
  EXPECT_GT(walk.steps(), 500);
}

TEST_P(HealthTrackerWalk, ThoseWithChangesOfTheConfigurationDo) {
  const HealthConfig config = Config(GetParam());
  for (const WalkCase& other_case : kWalks) {
    const HealthConfig other = Config(other_case);
    Walk walk(config, &other, /*merge=*/true);
    walk.Run(8);
  }
}

}  // namespace
}  // namespace multi_backend
