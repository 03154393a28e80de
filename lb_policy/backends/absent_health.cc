// The part of BackendHealth that is about an absent backend.
#include <memory>
#include <utility>

#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/health.h"

namespace multi_backend {

std::shared_ptr<Timers> BackendHealth::Suspend() {
  MutexLock lock(&mutex_);
  suspended_ = true;
  AbandonTrial();
  return DisarmTimers();
}

void BackendHealth::Resume() {
  MutexLock lock(&mutex_);
  suspended_ = false;
  // Failures may have been counted, which a success ends.
  load_->wants_successes.store(true, std::memory_order_relaxed);
  // The channel that lists the backend makes a plan anyway.
  (void)Apply(tracker_.OnTime(events_->time.Now()));
}

bool BackendHealth::IsDecided() const {
  MutexLock lock(&mutex_);
  return tracker_.state() != BackendState::kAlive;
}

void BackendHealth::TakeOver(const BackendHealth& other) {
  absl::optional<HealthTracker> tracker;
  {
    MutexLock lock(&other.mutex_);
    tracker = other.tracker_;
  }
  MutexLock lock(&mutex_);
  tracker_ = *std::move(tracker);
  AbandonTrial();
  {
    MutexLock shown_lock(&shown_mutex_);
    shown_.state = tracker_.state();
    shown_.reason = tracker_.reason();
    shown_.since = tracker_.since();
  }
  // Failures may have been counted, which a success ends.
  load_->wants_successes.store(true, std::memory_order_relaxed);
  (void)Apply(absl::nullopt);
}

void BackendHealth::Forget(absl::string_view why) {
  MutexLock lock(&mutex_);
  tracker_.Forget();
  load_->wants_successes.store(false, std::memory_order_relaxed);
  (void)Apply(absl::nullopt);
  if (!why.empty()) PublishView(why);
}

// The call that is the trial can no longer decide.
void BackendHealth::AbandonTrial() {
  trial_ = 0;
  (void)tracker_.OnCallEnded(AttemptOutcome::kAbandoned, "",
                             /*was_trial=*/true, events_->time.Now());
  WriteFlags();
}

}  // namespace multi_backend
