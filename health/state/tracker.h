// HealthTracker: the life of one backend as a state machine.  Told how calls
// and probes end, it says what state the backend is in, why and since when.
//
//   ALIVE        all start so
//   OVERLOADED   answers, but has too much to do
//   DOWN         gets no calls
//   DOWN_RETRY   gets one trial at a time: a call, or, if it is probed, a probe
//
// Who may say what, in this order: manual mark, probes, calls (and the failure
// rate).  A manual mark stays until MarkHealthy(), whatever probes and calls
// say.  Probes that fail take over a DOWN that calls caused; calls never end a
// DOWN that probes caused.  The counts of calls and of probes are separate:
// neither's successes forgive the other's failures.
//
// A DOWN that calls or the failure rate caused is left after a wait of
// `down_retry_after`, which doubles with each return (up to 10 % is added at
// random, so that clients part), never shortens, and ends at exactly
// `max_down_retry_after`; having been ALIVE or OVERLOADED for that maximum
// without a break ends the doubling.  A DOWN that probes caused has no wait:
// the probes' interval paces it.
//
// Each input returns the change that it made, if any; from == to is a DOWN with
// a new cause.  Only OnTime() makes changes that time brings; after each input
// and SetConfig() look at next_change() and probe_delay() again.
//
// Requires: `now` does not go backwards.  Cost: O(1) each.  Not thread-safe.
#ifndef MULTI_BACKEND_HEALTH_STATE_TRACKER_H_
#define MULTI_BACKEND_HEALTH_STATE_TRACKER_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// How a call (one attempt) ended, for the health of its backend.
enum class AttemptOutcome {
  kAnswered,  // OK, or an error of the application.
  kFailed,    // Infrastructure: refused, reset, TLS, UNAVAILABLE.
  kTimedOut,  // The attempt's timeout: such a failure, and a sign of overload.
  kOverloaded,  // RESOURCE_EXHAUSTED: an answer, and a sign of overload.
  kAbandoned,   // Cancelled: says nothing.
};

// What a backend that is not ALIVE owes its state to.
enum class HealthCause { kNone, kManual, kProbe, kCalls, kFailureRate };

struct HealthChange {
  BackendState from;
  BackendState to;
  absl::Time at;
  std::string reason;  // For people.
};

class HealthTracker {
 public:
  // Of the texts that are given as reasons so many bytes are kept.
  static constexpr size_t kMaxReasonBytes = 200;

  // `seed` of the waits' random part.  Trackers may share a configuration, of
  // which the second form makes a copy.
  HealthTracker(std::shared_ptr<const HealthConfig> config, uint64_t seed);
  HealthTracker(const HealthConfig& config, uint64_t seed)
      : HealthTracker(std::make_shared<const HealthConfig>(config), seed) {}

  // Counts, state and a wait under way stay as they are.  But a state whose
  // cause is not looked at any more ends with the next OnTime(), which is due.
  void SetConfig(std::shared_ptr<const HealthConfig> config);
  void SetConfig(const HealthConfig& config) {
    SetConfig(std::make_shared<const HealthConfig>(config));
  }

  BackendState state() const { return state_; }
  HealthCause cause() const { return cause_; }
  const std::string& reason() const { return reason_; }  // "" = always ALIVE.
  absl::Time since() const { return since_; }  // When it came to this state.

  // A call ended; `why` is its error.  `was_trial`: TryBeginTrial() allowed it.
  // While the backend is DOWN or DOWN_RETRY other calls change nothing.
  // Without `passive` in the configuration no call does.
  absl::optional<HealthChange> OnCallEnded(AttemptOutcome outcome,
                                           absl::string_view why,
                                           bool was_trial, absl::Time now);
  // A probe ended; `detail` is what failed.  No-op without `active`.
  absl::optional<HealthChange> OnProbe(bool healthy, absl::string_view detail,
                                       absl::Time now);
  // Ejected by the failure-rate rule.  No-op if down, or without `passive`.
  absl::optional<HealthChange> OnEjected(absl::string_view why, absl::Time now);
  // No-op for one that is marked; its reason stays.
  absl::optional<HealthChange> MarkUnhealthy(absl::string_view reason,
                                             absl::Time now);
  // ALIVE at once, and all counts and the doubling forgotten.
  absl::optional<HealthChange> MarkHealthy(absl::string_view reason,
                                           absl::Time now);
  absl::optional<HealthChange> OnTime(absl::Time now);

  // When OnTime() has to run: InfinitePast = at once, InfiniteFuture = never.
  absl::Time next_change() const;

  // Whether the next call may be the trial of a backend that is DOWN_RETRY.
  // When true, no other one is until OnCallEnded() with `was_trial`.
  bool TryBeginTrial();
  // Whether trials of this DOWN or DOWN_RETRY are calls, not probes.
  bool trials_by_calls() const;

  // From one probe to the next; InfiniteDuration = no probes.  The interval;
  // half of it (not below 100 ms) while it is undecided; twice while DOWN for
  // more than a few probes.
  absl::Duration probe_delay() const;

 private:
  // kOutdated: begun in a DOWN_RETRY that is over; its end decides nothing.
  enum class Trial { kNone, kRunning, kOutdated };

  bool down() const;  // Or DOWN_RETRY.
  bool caused_by_calls() const;
  bool cause_is_unwatched() const;
  absl::optional<HealthChange> OnCallWhileUp(AttemptOutcome outcome,
                                             absl::string_view why,
                                             absl::Time now);
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
  absl::Time up_since_ = absl::InfinitePast();  // ALIVE or OVERLOADED.
  absl::Time due_ = absl::InfiniteFuture();     // OnTime(), by the state.
  absl::Duration wait_;        // The newest; its random part included.
  absl::Duration backoff_;     // Without it; 0 = none since it was forgotten.
  int calls_failed_ = 0;       // In a row; while up.
  int probes_failed_ = 0;      // In a row.
  int trials_succeeded_ = 0;   // In a row; in DOWN_RETRY.
  int probes_while_down_ = 0;  // Up to a few.
  Trial trial_ = Trial::kNone;
  std::minstd_rand random_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_STATE_TRACKER_H_
