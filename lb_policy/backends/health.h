// BackendHealth: the health of one backend as calls, probes and people make it:
// a HealthTracker for all channels of a pool, what picks read of it, and the
// clock that moves it on.
//
// Threads: any.  Watches of the pool's events run on the calling thread, after
// the locks of this class are released.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_HEALTH_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_HEALTH_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/health/state/tracker.h"
#include "multi_backend/health/timers/timers.h"
#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class Backend;

class BackendHealth {
 public:
  static constexpr absl::Duration kTrialPatience = absl::Seconds(5);

  // `backend` owns this; `load` is its own.
  BackendHealth(Backend* backend, LoadStats* load,
                std::shared_ptr<PoolEvents> events);
  ~BackendHealth();
  BackendHealth(const BackendHealth&) = delete;
  BackendHealth& operator=(const BackendHealth&) = delete;

  // --- The data plane --------------------------------------------------------

  // A call on it has ended.  `why`: for texts.  `trial`: what TryBeginTrial()
  // gave the call, or 0.  Those that end well go through Backend::OnAnswered().
  void OnCallEnded(AttemptOutcome outcome, absl::string_view why,
                   uint16_t trial);
  // For a backend with kTrialOpen: not 0 if this call is the trial, which must
  // end in OnCallEnded().  One that takes longer than kTrialPatience (a stream,
  // a call that hangs) decides nothing, and another may be the trial.
  uint16_t TryBeginTrial();
  // For a backend with kRamping: whether a call that chance gives `draw`, 0 to
  // 1, is let through.  Ends the ramp when its time is over.
  bool RampAdmits(double draw, int64_t now_nanos);

  // --- The control plane -----------------------------------------------------

  // The newest configuration of all channels holds.
  void Configure(std::shared_ptr<const HealthConfig> config);
  // The result of a probe; returns the delay until the next one.
  absl::Duration OnProbe(bool healthy, absl::string_view detail);
  // The failure rate has decided against it.
  void Eject(absl::string_view why);
  bool IsEjected() const;
  void MarkHealthy(absl::string_view reason);
  void MarkUnhealthy(absl::string_view reason);
  // What a channel's newest attempt to connect came to.  The backend is DOWN
  // when some channel's failed and nobody else is connected.
  enum class Connection { kNone, kConnected, kFailed };
  // A channel's went `from` this `to` that; `why`: of kFailed.
  void OnConnection(Connection from, Connection to, absl::string_view why);
  // Channels whose newest attempt failed.
  bool any_failed() const {
    return failed_channels_.load(std::memory_order_relaxed) != 0;
  }
  // The backend has left the pool: no timer runs any more.  Called once, by the
  // pool.
  void Retire();

  struct View {
    BackendState state = BackendState::kAlive;
    std::string reason;
    absl::Time since = absl::InfinitePast();
  };
  View view() const;

 private:
  struct TimerHandle;
  bool unreachable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return any_failed() && connected_channels_ == 0;
  }
  // Follows a change in what view() shows; `what` tells it.
  void Show(absl::string_view what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void OnTimer();
  void GiveUpTrial(uint16_t trial);
  void RunAfter(absl::Duration delay, std::function<void(BackendHealth&)> run)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Writes what picks read, arms the timer; then, unlocked, calls the watches
  // when there was a change.
  void Apply(std::unique_lock<std::mutex> lock,
             const absl::optional<HealthChange>& change);
  void WriteFlags() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ArmTimer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginRamp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Backend* const backend_;
  LoadStats* const load_;
  const std::shared_ptr<PoolEvents> events_;

  std::atomic<int64_t> slow_start_nanos_{0};

  // Not absl::Mutex: in the distribution's build tsan does not see it.
  mutable std::mutex mutex_;
  HealthTracker tracker_ ABSL_GUARDED_BY(mutex_);
  bool passive_ ABSL_GUARDED_BY(mutex_) = false;
  bool ejected_ ABSL_GUARDED_BY(mutex_) = false;
  uint16_t trial_ ABSL_GUARDED_BY(mutex_) = 0;  // That is running.
  uint16_t last_trial_ ABSL_GUARDED_BY(mutex_) = 0;
  bool retired_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<uint32_t> failed_channels_{0};  // Written under mutex_.
  uint32_t connected_channels_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string connection_error_ ABSL_GUARDED_BY(mutex_);  // The newest one.
  View shown_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Timers> timers_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<TimerHandle> timer_ ABSL_GUARDED_BY(mutex_);
  // When the armed timer runs.
  absl::Time timer_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_HEALTH_H_
