// HealthOracle: what HealthTracker must do, in a slow and obviously right way.
// It keeps no counts and no timers.  It keeps the whole history and searches it
// backwards for each answer.
//
// It cannot foretell the random part of a wait.  The test notes the length of a
// wait with the step that began it, and compares it with the nominal length.
#ifndef MULTI_BACKEND_TESTS_TESTING_HEALTH_ORACLE_H_
#define MULTI_BACKEND_TESTS_TESTING_HEALTH_ORACLE_H_

#include <algorithm>
#include <vector>

#include "absl/time/time.h"
#include "multi_backend/health/state/tracker.h"

namespace multi_backend {
namespace testing {

enum class HealthInput {
  kCallEnds,
  kTrialBegins,
  kTrialEnds,
  kProbeSucceeds,
  kProbeFails,
  kIsEjected,
  kMarkUnhealthy,
  kMarkHealthy,
  kTime,
};

// An input and its expected effect.
struct HealthStep {
  HealthInput input;
  AttemptOutcome outcome;  // How the call or trial ended.
  absl::Time at;
  const HealthConfig* config;  // The one in force.

  BackendState state = BackendState::kAlive;
  HealthCause cause = HealthCause::kNone;
  bool changed = false;
  // kTrialBegins: the trial is granted.  kTrialEnds: its result decides.
  bool trial_counts = false;
  // The length of the wait that began here, noted by the test.
  absl::Duration wait = absl::ZeroDuration();
};

inline bool IsDown(BackendState state) {
  return state == BackendState::kDown || state == BackendState::kDownRetry;
}
inline bool IsOfCalls(HealthCause cause) {
  return cause == HealthCause::kCalls || cause == HealthCause::kFailureRate;
}

class HealthOracle {
 public:
  explicit HealthOracle(std::vector<HealthStep>* history)
      : history_(*history) {}

  // Returns `step` with its expected effect, after the history.
  HealthStep Foretell(HealthStep step) const;

  // The state after the history.
  BackendState state() const { return StateAfter(Size() - 1); }
  HealthCause cause() const { return CauseAfter(Size() - 1); }
  absl::Time Since() const;
  absl::Time Due(const HealthConfig& config) const;
  absl::Duration ProbeDelay(const HealthConfig& config) const;
  bool TrialsByCalls(const HealthConfig& config) const;
  // Whether a trial was granted and has not ended.
  bool TrialIsOut() const;
  // The length, without its random part, of the wait that the last step began.
  absl::Duration NominalWait() const;
  int CallsFailedInARow() const;
  int ProbesFailedInARow() const;
  int TrialsSucceededInARow() const;

 private:
  int Size() const { return static_cast<int>(history_.size()); }
  BackendState StateAfter(int i) const {
    return i < 0 ? BackendState::kAlive : history_[i].state;
  }
  HealthCause CauseAfter(int i) const {
    return i < 0 ? HealthCause::kNone : history_[i].cause;
  }
  bool DownBefore(int i) const { return IsDown(StateAfter(i - 1)); }
  bool BeganWait(int i) const {
    return history_[i].changed && history_[i].state == BackendState::kDown &&
           IsOfCalls(history_[i].cause);
  }
  bool Unwatched(const HealthConfig& config) const {
    return (cause() == HealthCause::kProbe && !config.active) ||
           (IsOfCalls(cause()) && !config.passive);
  }
  // Whether the running trial began in the current DOWN_RETRY.
  bool TrialIsOfNow() const;
  void ForetellCall(HealthStep& step) const;
  void ForetellTrial(HealthStep& step) const;
  void ForetellProbe(HealthStep& step) const;
  void ForetellTime(HealthStep& step) const;

  const std::vector<HealthStep>& history_;
};

// --- Looking back -----------------------------------------------------------

inline int HealthOracle::CallsFailedInARow() const {
  int failed = 0;
  for (int i = Size() - 1; i >= 0; --i) {
    const HealthStep& step = history_[i];
    if (step.input == HealthInput::kMarkHealthy || DownBefore(i)) break;
    const bool call_ended = step.input == HealthInput::kCallEnds ||
                            step.input == HealthInput::kTrialEnds;
    if (!call_ended || !step.config->passive) continue;
    if (step.outcome == AttemptOutcome::kAnswered) break;
    failed += step.outcome == AttemptOutcome::kFailed ||
              step.outcome == AttemptOutcome::kTimedOut;
  }
  return failed;
}

inline int HealthOracle::ProbesFailedInARow() const {
  int failed = 0;
  for (int i = Size() - 1; i >= 0; --i) {
    const HealthStep& step = history_[i];
    if (step.input == HealthInput::kMarkHealthy) break;
    if (DownBefore(i) && !IsDown(step.state)) break;
    if (!step.config->active) continue;
    if (step.input == HealthInput::kProbeSucceeds) break;
    failed += step.input == HealthInput::kProbeFails;
  }
  return failed;
}

inline int HealthOracle::TrialsSucceededInARow() const {
  int succeeded = 0;
  for (int i = Size() - 1; i >= 0; --i) {
    const HealthStep& step = history_[i];
    if (step.state != BackendState::kDownRetry) break;
    if (step.input == HealthInput::kTrialEnds) succeeded += step.trial_counts;
    if (step.input == HealthInput::kProbeSucceeds) {
      succeeded += step.config->active.has_value();
    }
  }
  return succeeded;
}

inline bool HealthOracle::TrialIsOut() const {
  for (int i = Size() - 1; i >= 0; --i) {
    if (history_[i].input == HealthInput::kTrialEnds) return false;
    if (history_[i].input != HealthInput::kTrialBegins) continue;
    if (history_[i].trial_counts) return true;
  }
  return false;
}

inline bool HealthOracle::TrialIsOfNow() const {
  for (int i = Size() - 1; i >= 0; --i) {
    if (history_[i].changed) return false;
    if (history_[i].input == HealthInput::kTrialEnds) return false;
    if (history_[i].input != HealthInput::kTrialBegins) continue;
    if (history_[i].trial_counts) return true;
  }
  return false;
}

inline absl::Time HealthOracle::Since() const {
  for (int i = Size() - 1; i >= 0; --i) {
    if (StateAfter(i) != StateAfter(i - 1)) return history_[i].at;
  }
  return absl::InfinitePast();
}

inline absl::Time HealthOracle::Due(const HealthConfig& config) const {
  if (Unwatched(config)) return absl::InfinitePast();
  for (int i = Size() - 1; i >= 0; --i) {
    const HealthStep& step = history_[i];
    if (state() == BackendState::kOverloaded && step.config->passive &&
        (step.input == HealthInput::kCallEnds ||
         step.input == HealthInput::kTrialEnds) &&
        (step.outcome == AttemptOutcome::kTimedOut ||
         step.outcome == AttemptOutcome::kOverloaded)) {
      return step.at + step.config->passive->overloaded_for;
    }
    if (state() == BackendState::kDown && IsOfCalls(cause()) && BeganWait(i)) {
      return step.at + step.wait;
    }
  }
  return absl::InfiniteFuture();
}

inline absl::Duration HealthOracle::NominalWait() const {
  const int last = Size() - 1;
  absl::Duration wait = history_[last].config->passive->down_retry_after;
  const absl::Duration longest =
      history_[last].config->passive->max_down_retry_after;
  int went_down = Size();  // The step that ended the up time in question.
  for (int i = last; i >= 0; --i) {
    const HealthStep& step = history_[i];
    if (step.input == HealthInput::kMarkHealthy) break;
    if (!DownBefore(i) && IsDown(step.state)) went_down = i;
    if (DownBefore(i) && !IsDown(step.state) && went_down < Size()) {
      const HealthStep& end = history_[went_down];
      if (!end.config->passive || end.at - step.at >= longest) break;
    }
    if (i < last && BeganWait(i)) wait = std::min(longest, 2 * wait);
  }
  return wait;
}

inline bool HealthOracle::TrialsByCalls(const HealthConfig& config) const {
  return IsDown(state()) && IsOfCalls(cause()) && config.passive &&
         !config.active;
}

inline absl::Duration HealthOracle::ProbeDelay(
    const HealthConfig& config) const {
  if (!config.active) return absl::InfiniteDuration();
  const absl::Duration interval = config.active->interval;
  int probes_while_down = 0;
  for (int i = Size() - 1; i >= 0 && DownBefore(i); --i) {
    probes_while_down += history_[i].config->active &&
                         (history_[i].input == HealthInput::kProbeFails ||
                          history_[i].input == HealthInput::kProbeSucceeds);
  }
  if (state() == BackendState::kDown) {
    return probes_while_down >= 3 ? 2 * interval : interval;
  }
  if (state() == BackendState::kDownRetry || ProbesFailedInARow() > 0) {
    return interval <= absl::Milliseconds(100)   ? interval
           : interval <= absl::Milliseconds(200) ? absl::Milliseconds(100)
                                                 : interval / 2;
  }
  return interval;
}

// --- Foretelling ------------------------------------------------------------

inline HealthStep HealthOracle::Foretell(HealthStep step) const {
  step.state = state();
  step.cause = cause();
  const auto become = [&step](BackendState state, HealthCause cause) {
    step.state = state;
    step.cause = cause;
  };
  switch (step.input) {
    case HealthInput::kTrialBegins:
      step.trial_counts = state() == BackendState::kDownRetry &&
                          TrialsByCalls(*step.config) && !TrialIsOut();
      break;
    case HealthInput::kTrialEnds:
      if (IsDown(state())) {
        ForetellTrial(step);
        break;
      }
      ForetellCall(step);
      break;
    case HealthInput::kCallEnds:
      if (!IsDown(state())) ForetellCall(step);
      break;
    case HealthInput::kProbeSucceeds:
    case HealthInput::kProbeFails:
      if (cause() != HealthCause::kManual) ForetellProbe(step);
      break;
    case HealthInput::kIsEjected:
      if (step.config->passive && !IsDown(state())) {
        become(BackendState::kDown, HealthCause::kFailureRate);
      }
      break;
    case HealthInput::kMarkUnhealthy:
      become(BackendState::kDown, HealthCause::kManual);
      break;
    case HealthInput::kMarkHealthy:
      become(BackendState::kAlive, HealthCause::kNone);
      break;
    case HealthInput::kTime:
      ForetellTime(step);
      break;
  }
  step.changed = step.state != state() || step.cause != cause();
  return step;
}

inline void HealthOracle::ForetellCall(HealthStep& step) const {
  if (!step.config->passive || step.outcome == AttemptOutcome::kAbandoned) {
    return;
  }
  if (step.outcome == AttemptOutcome::kAnswered) {
    step.state = BackendState::kAlive;
    step.cause = HealthCause::kNone;
    return;
  }
  if (step.outcome != AttemptOutcome::kOverloaded &&
      CallsFailedInARow() + 1 >= step.config->passive->unhealthy_after) {
    step.state = BackendState::kDown;
    step.cause = HealthCause::kCalls;
    return;
  }
  if (step.outcome == AttemptOutcome::kFailed) return;
  step.state = BackendState::kOverloaded;
  step.cause = HealthCause::kCalls;
}

inline void HealthOracle::ForetellTrial(HealthStep& step) const {
  if (step.outcome == AttemptOutcome::kAbandoned) return;
  step.trial_counts = TrialIsOfNow() && TrialsByCalls(*step.config);
  if (!step.trial_counts) return;
  if (step.outcome == AttemptOutcome::kFailed ||
      step.outcome == AttemptOutcome::kTimedOut) {
    step.state = BackendState::kDown;
    return;
  }
  if (TrialsSucceededInARow() + 1 < step.config->passive->healthy_after) return;
  const bool overloaded = step.outcome == AttemptOutcome::kOverloaded;
  step.state = overloaded ? BackendState::kOverloaded : BackendState::kAlive;
  step.cause = overloaded ? HealthCause::kCalls : HealthCause::kNone;
}

inline void HealthOracle::ForetellProbe(HealthStep& step) const {
  if (!step.config->active) return;
  if (step.input == HealthInput::kProbeFails) {
    const bool enough =
        ProbesFailedInARow() + 1 >= step.config->active->unhealthy_after;
    if (enough) step.cause = HealthCause::kProbe;
    if (enough || (IsDown(state()) && !Unwatched(*step.config))) {
      step.state = BackendState::kDown;
    }
    return;
  }
  // A backend that is up stays up.  One that waits because of calls keeps
  // waiting.
  if (!IsDown(state())) return;
  if (state() == BackendState::kDown && IsOfCalls(cause())) return;
  step.state = BackendState::kDownRetry;
  if (TrialsSucceededInARow() + 1 >= step.config->active->healthy_after) {
    step.state = BackendState::kAlive;
    step.cause = HealthCause::kNone;
  }
}

inline void HealthOracle::ForetellTime(HealthStep& step) const {
  if (step.at < Due(*step.config)) return;
  if (state() == BackendState::kDown && !Unwatched(*step.config)) {
    step.state = BackendState::kDownRetry;
    return;
  }
  step.state = BackendState::kAlive;
  step.cause = HealthCause::kNone;
}

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_HEALTH_ORACLE_H_
