// HealthTracker: the health of one backend as a state machine.  The owner
// reports how calls and probes end; the tracker says which state the backend is
// in, why, and since when.
//
//   ALIVE        the initial state
//   OVERLOADED   the backend answers, but says that it has too much to do
//   DOWN         the backend gets no calls
//   DOWN_RETRY   the backend gets one trial at a time: a probe if it is probed,
//                otherwise a call
//
// Precedence.  A manual mark stays until MarkHealthy(), whatever probes and
// calls report.  Below it come probes: failed probes take over a DOWN that
// calls caused, while calls never end a DOWN that probes caused.  Calls and the
// failure rate come last.  Calls and probes are counted separately, so a
// success of one never cancels failures of the other.
//
// Waits.  A DOWN that calls or the failure rate caused lasts for a wait, and
// then becomes DOWN_RETRY.  The first wait is `down_retry_after`, and each
// further one is twice as long.  Up to 10 % is added at random, so that the
// clients of a backend do not all return at once.  Waits never get shorter, and
// they stop growing at exactly `max_down_retry_after`.  The doubling starts
// anew when the backend has been ALIVE or OVERLOADED for `max_down_retry_after`
// without a break.  A DOWN that probes caused has no wait, because the interval
// of the probes sets the pace.
//
// Use.  Each input returns the change that it caused, if any.  A change with
// from == to means that a DOWN has a new cause.  Changes that are due to time
// are made by OnTime() only, so read next_change() and probe_delay() again
// after each input and after SetConfig().
//
// Requires: `now` does not go backwards.  Cost: O(1) for each function.  Not
// thread-safe.
#ifndef MULTI_BACKEND_HEALTH_STATE_TRACKER_H_
#define MULTI_BACKEND_HEALTH_STATE_TRACKER_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// How a call (one attempt) ended, for the health of its backend.
enum class AttemptOutcome {
  kAnswered,  // OK, or an error that the application returned.
  kFailed,    // Failed below the application: refused, reset, TLS, UNAVAILABLE.
  // The attempt's timeout expired.  Counts as a failure and as overload.
  kTimedOut,
  // RESOURCE_EXHAUSTED.  Counts as overload, but not as a failure.
  kOverloaded,
  kAbandoned,  // Cancelled; says nothing about the backend.
};

// Why a backend is not ALIVE; kNone for one that is.
enum class HealthCause { kNone, kManual, kProbe, kCalls, kFailureRate };

struct HealthChange {
  BackendState from;
  BackendState to;
  absl::Time at;
  std::string reason;  // Human-readable.
};

class HealthTracker {
 public:
  // Longer reasons and details are cut to this many bytes.
  static constexpr size_t kMaxReasonBytes = 200;

  // `seed` determines the random part of the waits.  Trackers may share a
  // configuration; the second constructor makes a copy for this one.
  HealthTracker(std::shared_ptr<const HealthConfig> config, uint64_t seed);
  HealthTracker(const HealthConfig& config, uint64_t seed)
      : HealthTracker(std::make_shared<const HealthConfig>(config), seed) {}

  // Keeps the counts, the state and a wait that has begun.  Exception: if the
  // new configuration ignores the kind of input that caused the state, OnTime()
  // is due at once and makes the backend ALIVE.
  void SetConfig(std::shared_ptr<const HealthConfig> config);
  void SetConfig(const HealthConfig& config) {
    SetConfig(std::make_shared<const HealthConfig>(config));
  }

  BackendState state() const { return state_; }
  HealthCause cause() const { return cause_; }
  // Whether calls or the failure rate keep the backend DOWN or DOWN_RETRY.
  bool ejected() const { return down() && caused_by_calls(); }
  const std::string& reason() const { return reason_; }  // "" = no change yet.
  absl::Time since() const { return since_; }  // When the state began.

  // Reports the end of a call.  `why` is its error; `was_trial` says that
  // TryBeginTrial() allowed it.  While the backend is DOWN or DOWN_RETRY, only
  // the end of a trial changes the state.  No-op if the configuration has no
  // `passive` section.
  //
  // `may_eject` is called at most once, when this failure would make the
  // backend DOWN.  If it returns false, the backend stays up, and its failures
  // are counted anew.
  absl::optional<HealthChange> OnCallEnded(
      AttemptOutcome outcome, absl::string_view why, bool was_trial,
      absl::Time now, absl::FunctionRef<bool()> may_eject = Always);
  // Reports the end of a probe.  `detail` says what failed.  No-op if the
  // configuration has no `active` section.
  absl::optional<HealthChange> OnProbe(bool healthy, absl::string_view detail,
                                       absl::Time now);
  // Ejects the backend because of its failure rate.  No-op if the backend is
  // already DOWN or DOWN_RETRY, or without a `passive` section.
  absl::optional<HealthChange> OnEjected(absl::string_view why, absl::Time now);
  // Makes a backend ALIVE that calls or the failure rate made DOWN; no-op for
  // any other.
  absl::optional<HealthChange> EndEjection(absl::string_view why,
                                           absl::Time now);
  // No-op if the backend is already marked; the first reason stays.
  absl::optional<HealthChange> MarkUnhealthy(absl::string_view reason,
                                             absl::Time now);
  // Makes the backend ALIVE at once, and resets all counts and the doubling of
  // the waits.
  absl::optional<HealthChange> MarkHealthy(absl::string_view reason,
                                           absl::Time now);
  // Goes back to the initial state; the configuration stays.
  void Forget() { *this = HealthTracker(config_, random_()); }
  // Makes the change that is due by `now`, if any.
  absl::optional<HealthChange> OnTime(absl::Time now);

  // When OnTime() is due: InfinitePast = at once, InfiniteFuture = never.
  absl::Time next_change() const;

  // Whether the next call may be the trial of a backend that is DOWN_RETRY.
  // After true has been returned, every further call of this function returns
  // false until OnCallEnded() reports the trial.
  bool TryBeginTrial();
  // Whether the backend is DOWN or DOWN_RETRY and its trials are calls, not
  // probes.
  bool trials_by_calls() const;

  // The delay from one probe to the next; InfiniteDuration = no probes.  It is
  // the configured interval, with two exceptions.  While the state is undecided
  // (DOWN_RETRY, or after a failed probe), it is half the interval, but not
  // below 100 ms unless the interval is.  After a few probes in DOWN it is
  // twice the interval.
  absl::Duration probe_delay() const;

 private:
  // kOutdated: the trial began in a DOWN_RETRY that has ended, so its result no
  // longer decides anything.
  enum class Trial { kNone, kRunning, kOutdated };

  static bool Always() { return true; }
  bool down() const;  // DOWN or DOWN_RETRY.
  bool caused_by_calls() const;
  bool cause_is_unwatched() const;
  absl::optional<HealthChange> OnCallWhileUp(
      AttemptOutcome outcome, absl::string_view why, absl::Time now,
      absl::FunctionRef<bool()> may_eject);
  absl::optional<HealthChange> OnTrialEnded(AttemptOutcome outcome,
                                            absl::string_view why,
                                            absl::Time now);
  absl::optional<HealthChange> OnProbeSucceeded(absl::Time now);
  HealthChange ChangeTo(BackendState to, HealthCause cause, std::string reason,
                        absl::Time now);
  HealthChange GoUp(BackendState to, std::string reason, absl::Time now);
  HealthChange GoDown(HealthCause cause, std::string reason, absl::Time now);
  absl::Duration NextWait();

  std::shared_ptr<const HealthConfig> config_;
  BackendState state_ = BackendState::kAlive;
  HealthCause cause_ = HealthCause::kNone;
  std::string reason_;
  absl::Time since_ = absl::InfinitePast();
  absl::Time up_since_ = absl::InfinitePast();  // Start of ALIVE or OVERLOADED.
  absl::Time due_ = absl::InfiniteFuture();     // When the state itself ends.
  absl::Duration wait_;        // The latest wait, with its random part.
  absl::Duration backoff_;     // The wait without it; 0 = start anew.
  int calls_failed_ = 0;       // In a row, while ALIVE or OVERLOADED.
  int probes_failed_ = 0;      // In a row.
  int trials_succeeded_ = 0;   // In a row, in DOWN_RETRY.
  int probes_while_down_ = 0;  // Stops at kPatientProbes.
  Trial trial_ = Trial::kNone;
  std::minstd_rand random_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_STATE_TRACKER_H_
