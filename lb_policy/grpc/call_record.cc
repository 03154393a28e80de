#include "multi_backend/lb_policy/grpc/call_record.h"

namespace multi_backend {

PickRequest CallRecord::MakeRequest() const {
  PickRequest request;
  if (context_->label.key_hash.has_value()) {
    request.has_key = true;
    request.key_hash = *context_->label.key_hash;
  }
  if (ABSL_PREDICT_FALSE(attempts_.load(std::memory_order_relaxed) > 0)) {
    for (const auto& id : tried_) {
      const uint32_t backend = id.load(std::memory_order_relaxed);
      if (backend != 0) request.tried.Add(backend);
    }
  }
  return request;
}

bool CallRecord::IsTransparentRetry() const {
  return attempts_.load(std::memory_order_relaxed) > 0 &&
         !asked_.load(std::memory_order_relaxed);
}

absl::Status CallRecord::last_status() const {
  absl::MutexLock lock(&mutex_);
  if (!last_status_.ok()) return last_status_;
  return absl::DeadlineExceededError(
      "multi_backend: the attempt ran into perTryTimeout, and no other backend "
      "is usable");
}

int CallRecord::OnAttemptStarted(uint32_t backend) {
  const int attempt = attempts_.load(std::memory_order_relaxed) + 1;
  tried_[static_cast<size_t>(attempt - 1) % tried_.size()].store(
      backend, std::memory_order_relaxed);
  last_backend_.store(backend, std::memory_order_relaxed);
  asked_.store(false, std::memory_order_relaxed);
  pick_failed_.store(false, std::memory_order_relaxed);
  open_.store(true, std::memory_order_relaxed);
  attempts_.store(attempt, std::memory_order_release);
  return attempt;
}

void CallRecord::OnAttemptFailed(int attempt, const absl::Status& status,
                                 bool retriable) {
  absl::MutexLock lock(&mutex_);
  // An attempt that was given up ends after its successor has started.
  if (attempt != attempts_.load(std::memory_order_relaxed)) return;
  open_.store(false, std::memory_order_relaxed);
  last_status_ = status;
  last_retriable_ = retriable;
}

absl::Duration CallRecord::TimeLeft() const {
  const grpc_core::Duration left =
      context_->deadline - grpc_core::Timestamp::Now();
  if (left == grpc_core::Duration::Infinity()) return absl::InfiniteDuration();
  return absl::Milliseconds(left.millis());
}

bool CallRecord::NewestAttemptIsRetriable() const {
  if (open_.load(std::memory_order_relaxed)) {
    // Core asks before the attempt's end is reported in one case only: it has
    // run into perTryTimeout.
    AttemptView timed_out;
    timed_out.code = absl::StatusCode::kDeadlineExceeded;
    timed_out.timed_out = true;
    timed_out.attempt = attempts_.load(std::memory_order_relaxed);
    return state_->failover.IsRetriable(timed_out);
  }
  absl::MutexLock lock(&mutex_);
  return last_retriable_;
}

bool CallRecord::ShouldRetry() {
  const bool started_since = !asked_.exchange(true, std::memory_order_relaxed);
  if (context_->label.retry == RetryMode::kNever) return false;
  if (context_->own_retry_policy) return true;
  if (pick_failed_.load(std::memory_order_relaxed)) return false;
  const int attempts = attempts_.load(std::memory_order_acquire);
  // perTryTimeout has expired while the call still waited for a backend; it
  // has not been sent, so waiting on is no retry.
  if (attempts == 0 || !started_since) return true;
  if (!NewestAttemptIsRetriable()) return false;
  if (attempts > state_->failover.max_retries()) return false;
  const std::shared_ptr<const PickPlan> plan = state_->plans->Get();
  if (plan == nullptr || !plan->HasEligible(context_->label, MakeRequest())) {
    return false;
  }
  return state_->budget.TryRetry(BudgetSeconds());
}

}  // namespace multi_backend
