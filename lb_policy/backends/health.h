// BackendHealth: the health of one backend, as calls, probes and the
// application determine it.  It joins a HealthTracker that serves all channels
// of a pool, the flags and times that picks read, and the timers that end a
// state after some time.
//
// Threads: any.  Watches of the pool's events run on the calling thread, after
// this class has released its locks.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_HEALTH_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_HEALTH_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/attributes.h"
#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/health/state/tracker.h"
#include "multi_backend/health/timers/timers.h"
#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/link_state.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class Backend;

class BackendHealth {
 public:
  // How long a trial call may take before it is given up and another call may
  // become the trial.
  static constexpr absl::Duration kTrialPatience = absl::Seconds(5);

  // `backend` owns this object and `load`.
  BackendHealth(Backend* backend, LoadStats* load,
                std::shared_ptr<PoolEvents> events);
  ~BackendHealth();
  BackendHealth(const BackendHealth&) = delete;
  BackendHealth& operator=(const BackendHealth&) = delete;

  // --- The data plane --------------------------------------------------------

  // Called when a call to this backend has ended.  `why` is for texts.  `trial`
  // is what TryBeginTrial() returned for the call, or 0.  Calls that succeed
  // are reported through Backend::OnAnswered().
  void OnCallEnded(AttemptOutcome outcome, absl::string_view why,
                   uint16_t trial);
  // Call if kTrialOpen is set.  Returns a number other than 0 if this call is
  // now the trial, which must end in OnCallEnded(), and 0 if another call has
  // become the trial meanwhile.  A trial that takes longer than kTrialPatience
  // (a stream, a call that hangs) decides nothing, and another call may become
  // the trial.
  uint16_t TryBeginTrial();
  // Requires kRamping.  Returns whether the ramp admits the call.  `draw` is
  // random in [0, 1).  Ends the ramp when its time is over.
  bool RampAdmits(double draw, int64_t now_nanos);

  // --- The control plane -----------------------------------------------------

  // One configuration serves all channels: the one set last is in force.
  void Configure(std::shared_ptr<const HealthConfig> config);
  // Takes the result of a probe; returns the delay until the next probe.
  absl::Duration OnProbe(bool healthy, absl::string_view detail);
  // Takes the backend out because its share of failed calls is too high, unless
  // a channel forbids it.
  void Eject(absl::string_view why);
  // Brings a backend back that failed calls have taken out.
  void EndEjection(absl::string_view why);
  // Whether failed calls have taken the backend out.  Takes no lock.
  bool IsEjected() const { return ejected_.load(std::memory_order_acquire); }
  bool IsMarked() const;
  // How often the backend has come back from DOWN.
  uint32_t returns() const { return returns_.load(std::memory_order_relaxed); }
  // How often failed calls or the failure rate have taken the backend out.
  uint64_t ejections() const {
    return ejections_.load(std::memory_order_relaxed);
  }
  // The share of its calls that the backend gets now, because of slow start.
  double ramp_share() const;
  // If the result of one of these is true, the caller must call
  // events->Notify(), with no lock that a watch may take.  Marks act on an
  // absent backend, too.
  ABSL_MUST_USE_RESULT bool MarkHealthy(absl::string_view reason,
                                        absl::string_view asked_by = "");
  ABSL_MUST_USE_RESULT bool MarkUnhealthy(absl::string_view reason,
                                          absl::string_view asked_by = "");
  // Begins a slow start, unless the backend is DOWN.
  void BeginSlowStart();
  // Called when a channel's connection has changed from `from` to `to`.  `why`
  // is the error, with kFailed.  The backend is DOWN when the newest attempt of
  // some channel failed and no channel is connected.
  void OnLinkState(LinkState from, LinkState to, absl::string_view why);
  // Whether the newest attempt to connect failed in some channel.
  bool any_failed() const {
    return failed_channels_.load(std::memory_order_relaxed) != 0;
  }

  // --- An absent backend, which no channel lists -----------------------------

  // From Suspend() to Resume(), calls, probes and time change nothing.  What
  // was decided stays, and the time until which it holds.  Suspend() returns
  // the timers; the caller destroys them with no lock held, since that may wait
  // for a timer's function.
  ABSL_MUST_USE_RESULT std::shared_ptr<Timers> Suspend();
  void Resume();
  // Whether anything keeps the backend from being ALIVE, apart from its
  // connections.
  bool IsDecided() const;
  // Takes over what has been decided about `other`, a backend with the same
  // address.  Requires that no other thread uses this object yet.
  void TakeOver(const BackendHealth& other);
  // Drops what has been decided.  Records an event if `why` is not empty.
  void Forget(absl::string_view why);

  struct View {
    BackendState state = BackendState::kAlive;
    std::string reason;
    absl::Time since = absl::InfinitePast();
  };
  // Waits for no call, except one that is changing the state.
  View view() const ABSL_LOCKS_EXCLUDED(shown_mutex_);

 private:
  struct TimerHandle;
  static bool IsDown(BackendState state) {
    return state == BackendState::kDown || state == BackendState::kDownRetry;
  }
  bool unreachable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return any_failed() && connected_channels_ == 0;
  }
  // Brings view() up to date and records an event when the state changed.
  // `what` is the reason to give, `asked_by` the operator who asked, if any.
  void PublishView(absl::string_view what, absl::string_view asked_by = "")
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Returns the event when the state changed.
  absl::optional<PoolEvent> UpdateView(absl::string_view what)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, shown_mutex_);

  // `due`: the time for which the timer was armed.
  void OnTimer(absl::Time due) ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveUpTrial(uint16_t trial) ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t RunAfter(absl::Duration delay,
                    std::function<void(BackendHealth&)> run)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Applies what `change` makes of the tracker, and notifies.  Does nothing
  // while the backend is absent.
  void Change(
      absl::FunctionRef<absl::optional<HealthChange>(HealthTracker&)> change)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes the flags that picks read and arms the timer.  If the result is
  // true, the caller must unlock and then call events_->Notify().
  ABSL_MUST_USE_RESULT bool Apply(const absl::optional<HealthChange>& change,
                                  absl::string_view asked_by = "")
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteFlags() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `trial`: kTrialOpen, kTrialTaken, or 0 if no trial decides.
  void WriteTrial(uint32_t trial) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AbandonTrial() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ArmTimer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes all timers do nothing; returns what ran them.
  ABSL_MUST_USE_RESULT std::shared_ptr<Timers> DisarmTimers()
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginRamp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The share of calls that the ramp lets through; 1 = the ramp is over.
  double RampShare(int64_t now_nanos) const;

  Backend* const backend_;
  LoadStats* const load_;
  const std::shared_ptr<PoolEvents> events_;

  std::atomic<int64_t> slow_start_nanos_{0};
  std::atomic<uint32_t> returns_{0};    // Written under mutex_.
  std::atomic<uint64_t> ejections_{0};  // Written under mutex_.
  std::atomic<bool> ejected_{false};    // Written under mutex_.

  // Calls take mutex_, so view() has a lock of its own.
  mutable Mutex shown_mutex_ ABSL_ACQUIRED_AFTER(mutex_);
  View shown_ ABSL_GUARDED_BY(shown_mutex_);

  mutable Mutex mutex_;
  HealthTracker tracker_ ABSL_GUARDED_BY(mutex_);
  bool passive_ ABSL_GUARDED_BY(mutex_) = false;
  uint16_t trial_ ABSL_GUARDED_BY(mutex_) = 0;  // The running trial; 0 = none.
  uint16_t last_trial_ ABSL_GUARDED_BY(mutex_) = 0;
  bool suspended_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<uint32_t> failed_channels_{0};  // Written under mutex_.
  uint32_t connected_channels_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string connection_error_ ABSL_GUARDED_BY(mutex_);  // The newest error.
  std::shared_ptr<Timers> timers_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<TimerHandle> timer_ ABSL_GUARDED_BY(mutex_);
  // The timers that wait, one of each kind; 0 = none was armed.
  uint64_t state_timer_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t trial_timer_ ABSL_GUARDED_BY(mutex_) = 0;
  // When the state's timer will run.
  absl::Time timer_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_HEALTH_H_
