#include "multi_backend/lb_policy/backends/health.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/string_view.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/fast_random.h"

namespace multi_backend {
namespace {

const std::shared_ptr<const HealthConfig>& NoConfig() {
  static const auto* const config = new std::shared_ptr<const HealthConfig>(
      std::make_shared<const HealthConfig>());
  return *config;
}

// Seeds differ between processes, so that clients do not act in step.
uint64_t NextSeed() {
  static const uint64_t process = absl::Uniform<uint64_t>(absl::BitGen());
  static std::atomic<uint64_t> next{0};
  return Mix64(process + next.fetch_add(1, std::memory_order_relaxed));
}

PoolEvent::Ejection EjectionBy(HealthCause cause) {
  return cause == HealthCause::kCalls ? PoolEvent::Ejection::kFailedCalls
         : cause == HealthCause::kFailureRate
             ? PoolEvent::Ejection::kFailureRate
             : PoolEvent::Ejection::kNone;
}

}  // namespace

// An armed timer holds this handle instead of the backend, so that the timer
// does not keep the backend alive.
struct BackendHealth::TimerHandle {
  Mutex mutex;
  Backend* backend ABSL_GUARDED_BY(mutex) = nullptr;

  BackendRef Get() {
    MutexLock lock(&mutex);
    return backend == nullptr ? BackendRef() : BackendRef::New(backend);
  }
};

BackendHealth::BackendHealth(Backend* backend, LoadStats* load,
                             std::shared_ptr<PoolEvents> events)
    : backend_(backend),
      load_(load),
      events_(std::move(events)),
      tracker_(NoConfig(), NextSeed()) {}

BackendHealth::~BackendHealth() = default;

void BackendHealth::OnCallEnded(AttemptOutcome outcome, absl::string_view why,
                                uint16_t trial) {
  bool notify = false;
  bool reopened = false;
  {
    MutexLock lock(&mutex_);
    const bool was_trial = trial != 0 && trial == trial_;
    if (suspended_ || (!passive_ && !was_trial)) {
      load_->wants_successes.store(false, std::memory_order_relaxed);
      return;
    }
    if (was_trial) trial_ = 0;
    // Ends when ejected_ is written.
    absl::optional<EjectionGuards::Turn> turn;
    const absl::optional<HealthChange> change = tracker_.OnCallEnded(
        outcome, why, was_trial, events_->time.Now(), [&]() {
          turn.emplace(events_->ejection_guards);
          return turn->Allows(*backend_);
        });
    // After a call that did not end well, the next one that does must be seen.
    load_->wants_successes.store(outcome != AttemptOutcome::kAnswered ||
                                     tracker_.state() != BackendState::kAlive,
                                 std::memory_order_relaxed);
    reopened = was_trial && !change.has_value();
    notify = Apply(change);
  }
  if (notify) events_->Notify();
  // The state is the same, but the next trial may begin, and a call may be
  // waiting for that.
  if (reopened && events_->waiting_channels.load() != 0) {
    events_->NotifyCapacityFreed();
  }
}

uint16_t BackendHealth::TryBeginTrial() {
  MutexLock lock(&mutex_);
  if (suspended_ || !tracker_.TryBeginTrial()) return 0;
  if (++last_trial_ == 0) ++last_trial_;
  trial_ = last_trial_;
  const uint64_t replaced = std::exchange(
      trial_timer_,
      RunAfter(kTrialPatience, [trial = trial_](BackendHealth& health) {
        health.GiveUpTrial(trial);
      }));
  timers_->Drop(replaced);
  WriteFlags();
  return trial_;
}

void BackendHealth::GiveUpTrial(uint16_t trial) {
  OnCallEnded(AttemptOutcome::kAbandoned, "", trial);
}

void BackendHealth::Configure(std::shared_ptr<const HealthConfig> config) {
  bool notify = false;
  {
    MutexLock lock(&mutex_);
    if (suspended_) return;
    passive_ = config->passive.has_value();
    slow_start_nanos_.store(absl::ToInt64Nanoseconds(config->slow_start),
                            std::memory_order_relaxed);
    tracker_.SetConfig(std::move(config));
    absl::optional<HealthChange> change;
    if (tracker_.next_change() != absl::InfiniteFuture()) {
      change = tracker_.OnTime(events_->time.Now());
    }
    notify = Apply(change);
  }
  if (notify) events_->Notify();
}

void BackendHealth::Change(
    absl::FunctionRef<absl::optional<HealthChange>(HealthTracker&)> change) {
  bool notify = false;
  {
    MutexLock lock(&mutex_);
    if (suspended_) return;
    notify = Apply(change(tracker_));
  }
  if (notify) events_->Notify();
}

absl::Duration BackendHealth::OnProbe(bool healthy, absl::string_view detail) {
  absl::Duration delay = absl::InfiniteDuration();
  Change([&](HealthTracker& tracker) {
    const auto change = tracker.OnProbe(healthy, detail, events_->time.Now());
    delay = tracker.probe_delay();
    return change;
  });
  return delay;
}

void BackendHealth::Eject(absl::string_view why) {
  bool notify = false;
  {
    MutexLock lock(&mutex_);
    if (suspended_) return;
    const EjectionGuards::Turn turn(events_->ejection_guards);
    if (!turn.Allows(*backend_)) return;
    notify = Apply(tracker_.OnEjected(why, events_->time.Now()));
  }
  if (notify) events_->Notify();
}

void BackendHealth::EndEjection(absl::string_view why) {
  Change([&](HealthTracker& tracker) {
    return tracker.EndEjection(why, events_->time.Now());
  });
}

bool BackendHealth::IsMarked() const {
  MutexLock lock(&mutex_);
  return tracker_.cause() == HealthCause::kManual;
}

bool BackendHealth::MarkHealthy(absl::string_view reason,
                                absl::string_view asked_by) {
  MutexLock lock(&mutex_);
  return Apply(tracker_.MarkHealthy(reason, events_->time.Now()), asked_by);
}

bool BackendHealth::MarkUnhealthy(absl::string_view reason,
                                  absl::string_view asked_by) {
  MutexLock lock(&mutex_);
  return Apply(tracker_.MarkUnhealthy(reason, events_->time.Now()), asked_by);
}

void BackendHealth::BeginSlowStart() {
  MutexLock lock(&mutex_);
  if (!suspended_ && !IsDown(tracker_.state())) BeginRamp();
}

void BackendHealth::OnLinkState(LinkState from, LinkState to,
                                absl::string_view why) {
  MutexLock lock(&mutex_);
  const bool was_unreachable = unreachable();
  if (from == LinkState::kReady) --connected_channels_;
  if (from == LinkState::kFailed) failed_channels_.fetch_sub(1);
  if (to == LinkState::kReady) ++connected_channels_;
  if (to == LinkState::kFailed) {
    failed_channels_.fetch_add(1);
    connection_error_ = std::string(why);
  }
  if (suspended_) return;
  if (was_unreachable && !unreachable() && !IsDown(tracker_.state())) {
    BeginRamp();
  }
  PublishView(to == LinkState::kReady
                  ? "connected"
                  : "the channel that could not connect is gone");
}

BackendHealth::View BackendHealth::view() const {
  MutexLock lock(&shown_mutex_);
  return shown_;
}

void BackendHealth::PublishView(absl::string_view what,
                                absl::string_view asked_by) {
  absl::optional<PoolEvent> event;
  {
    MutexLock lock(&shown_mutex_);
    event = UpdateView(what);
  }
  if (!event.has_value()) return;
  event->asked_by = std::string(asked_by);
  events_->Add(*std::move(event));
}

absl::optional<PoolEvent> BackendHealth::UpdateView(absl::string_view what) {
  const bool by_tracker = IsDown(tracker_.state());
  const BackendState state =
      !by_tracker && unreachable() ? BackendState::kDown : tracker_.state();
  const bool changed = state != shown_.state;
  // While the backend is DOWN, the reason is what keeps it DOWN, which is not
  // always the newest event.
  if (by_tracker) {
    shown_.reason = tracker_.reason();
  } else if (unreachable()) {
    shown_.reason = connection_error_;
  } else if (changed) {
    shown_.reason = std::string(what);
  }
  // Most changes of connections change no state, so the clock is read here.
  if (!changed) return absl::nullopt;
  PoolEvent event;
  event.time = events_->time.Now();
  event.kind = PoolEvent::Kind::kState;
  event.who = backend_->address();
  event.name = backend_->name();
  if (by_tracker && !IsDown(shown_.state)) {
    event.ejection = EjectionBy(tracker_.cause());
  }
  event.from = std::string(StateName(shown_.state));
  event.to = std::string(StateName(state));
  event.reason = shown_.reason;
  shown_.state = state;
  shown_.since = event.time;
  return event;
}

void BackendHealth::OnTimer(absl::Time due) {
  bool notify = false;
  {
    MutexLock lock(&mutex_);
    // `due` differs for a timer that was replaced while it began to run.
    if (suspended_ || due != timer_at_) return;
    timer_at_ = absl::InfiniteFuture();
    notify = Apply(tracker_.OnTime(events_->time.Now()));
  }
  if (notify) events_->Notify();
}

bool BackendHealth::Apply(const absl::optional<HealthChange>& change,
                          absl::string_view asked_by) {
  ArmTimer();
  if (tracker_.state() != BackendState::kAlive) {
    load_->wants_successes.store(true, std::memory_order_relaxed);
  }
  if (change.has_value() && IsDown(change->from) && !IsDown(change->to)) {
    returns_.fetch_add(1, std::memory_order_relaxed);
    BeginRamp();
  }
  if (change.has_value() && !IsDown(change->from) && tracker_.ejected()) {
    ejections_.fetch_add(1, std::memory_order_relaxed);
  }
  WriteFlags();
  if (change.has_value()) PublishView(change->reason, asked_by);
  // The flags act at once.  The watches build a new plan, which is needed only
  // when a backend goes down or comes back.
  return change.has_value() && (IsDown(change->from) || IsDown(change->to));
}

void BackendHealth::ArmTimer() {
  if (suspended_) return;
  const absl::Time due = tracker_.next_change();
  if (due >= timer_at_) return;
  timer_at_ = due;
  const uint64_t replaced = std::exchange(
      state_timer_,
      RunAfter(std::max(due - events_->time.Now(), absl::ZeroDuration()),
               [due](BackendHealth& health) { health.OnTimer(due); }));
  timers_->Drop(replaced);
}

std::shared_ptr<Timers> BackendHealth::DisarmTimers() {
  timer_at_ = absl::InfiniteFuture();
  if (timer_ != nullptr) {
    MutexLock timer_lock(&timer_->mutex);
    timer_->backend = nullptr;
  }
  timer_ = nullptr;
  if (timers_ != nullptr) {
    timers_->Drop(state_timer_);
    timers_->Drop(trial_timer_);
  }
  return std::exchange(timers_, nullptr);
}

uint64_t BackendHealth::RunAfter(absl::Duration delay,
                                 std::function<void(BackendHealth&)> run) {
  if (timers_ == nullptr) {
    timers_ = events_->time.timers();
    // Other timers know nothing of the numbers that these gave.
    state_timer_ = trial_timer_ = 0;
  }
  if (timer_ == nullptr) {
    timer_ = std::make_shared<TimerHandle>();
    MutexLock timer_lock(&timer_->mutex);
    timer_->backend = backend_;
  }
  return timers_->RunAfter(delay, [handle = timer_, run = std::move(run)]() {
    const BackendRef backend = handle->Get();
    if (backend) run(backend->health);
  });
}

}  // namespace multi_backend
