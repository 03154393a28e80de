// The part of BackendHealth that picks read: the flags, and the ramp of slow
// start.
#include <algorithm>
#include <atomic>
#include <cstdint>

#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/backends/health.h"

namespace multi_backend {
namespace {

// The share of calls that a backend gets when its ramp begins.  With a smaller
// share, a backend that sees few calls would hardly get one.
constexpr double kLeastRampShare = 0.1;

void WriteFlag(std::atomic<uint32_t>& word, uint32_t flag, bool on) {
  if (on) {
    word.fetch_or(flag, std::memory_order_acq_rel);
  } else {
    word.fetch_and(~flag, std::memory_order_acq_rel);
  }
}

}  // namespace

double BackendHealth::RampShare(int64_t now_nanos) const {
  const double length =
      static_cast<double>(slow_start_nanos_.load(std::memory_order_relaxed));
  const double passed = static_cast<double>(
      now_nanos - load_->usable_since_nanos.load(std::memory_order_relaxed));
  return passed >= length ? 1 : std::max(kLeastRampShare, passed / length);
}

double BackendHealth::ramp_share() const {
  const bool ramping =
      (load_->admission.load(std::memory_order_relaxed) & kRamping) != 0;
  return ramping ? RampShare(events_->time.NowNanos()) : 1;
}

bool BackendHealth::RampAdmits(double draw, int64_t now_nanos) {
  const double share = RampShare(now_nanos);
  if (share < 1) return draw < share;
  // A new ramp may have begun since.  Clearing the flag would undo that ramp,
  // so look again under the lock under which ramps begin.
  MutexLock lock(&mutex_);
  if (RampShare(now_nanos) == 1) WriteFlag(load_->admission, kRamping, false);
  return true;
}

void BackendHealth::BeginRamp() {
  load_->usable_since_nanos.store(events_->time.NowNanos(),
                                  std::memory_order_relaxed);
  if (slow_start_nanos_.load(std::memory_order_relaxed) > 0) {
    WriteFlag(load_->admission, kRamping, true);
  }
}

void BackendHealth::WriteFlags() {
  ejected_.store(tracker_.ejected(), std::memory_order_release);
  const BackendState state = tracker_.state();
  const bool by_hand = tracker_.cause() == HealthCause::kManual;
  const bool trial_call =
      state == BackendState::kDownRetry && tracker_.trials_by_calls();
  // A pick reads the reasons, and then decides on the trial by `admission`
  // alone.  So a backend that comes back says first that only a trial may go to
  // it, and one that goes down says so last.
  const bool goes_down = IsDown(state) && !trial_call;
  if (!goes_down) {
    WriteTrial(!trial_call ? 0 : trial_ == 0 ? kTrialOpen : kTrialTaken);
  }
  WriteFlag(load_->unusable_reasons, kMarkedUnhealthy,
            IsDown(state) && by_hand);
  WriteFlag(load_->unusable_reasons, kUnhealthy,
            IsDown(state) && !by_hand && !trial_call);
  WriteFlag(load_->unusable_reasons, kOverloaded,
            state == BackendState::kOverloaded);
  WriteFlag(load_->unusable_reasons, kOnTrial, trial_call && trial_ != 0);
  if (goes_down) WriteTrial(0);
}

// In one step, so that no pick between an open trial and a taken one finds
// neither.  All who write `admission` hold mutex_.
void BackendHealth::WriteTrial(uint32_t trial) {
  const uint32_t others = load_->admission.load(std::memory_order_relaxed) &
                          ~(kTrialOpen | kTrialTaken);
  load_->admission.store(others | trial, std::memory_order_release);
}

}  // namespace multi_backend
