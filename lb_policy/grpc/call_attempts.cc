#include "multi_backend/lb_policy/grpc/call_attempts.h"

#include <memory>
#include <utility>

#include "multi_backend/port/core_time.h"

namespace multi_backend {

bool CallAttempts::OnAsked(bool granted) {
  if (log.IsOpen()) {
    OnTimedOut();
    return granted && context.retry_switch().Take();
  }
  // A pick that fails in a picker of core's own is another end for the method's
  // policy to decide on.
  if (granted && context.CoreDecides()) {
    context.retry_switch().OnAttemptFailed(/*retry=*/true);
  }
  if (granted) OnRetried();
  return granted;
}

void CallAttempts::OnCommit() {
  committed_.store(true, std::memory_order_relaxed);
  // Core may commit a call between its pick and OnSent().
  const bool sent = context.attempt.load(std::memory_order_acquire) != nullptr;
  if (ticket.Leave(sent)) WakeWaitingCalls();
}

void CallAttempts::WakeWaitingCalls() const {
  const std::shared_ptr<RetryPolicy> policy = RetryPolicy::Of(context);
  if (policy != nullptr) policy->WakeWaitingCalls();
}

bool CallAttempts::OnPick() {
  // Core picks for a call with an open attempt in one case only.
  if (log.IsOpen()) OnTimedOut();
  OnRetried();
  return !refused_;
}

int CallAttempts::OnSent(uint32_t backend, int retries_after_timeout) {
  if (ticket.Leave(/*sent=*/true)) WakeWaitingCalls();
  const int attempt = log.OnStarted(backend);
  if (retries_after_timeout >= 0) log.SetStart(CoreMillis());
  // Core starts the timeout before the pick.  An attempt that waited for a
  // backend may have had no time, and that is no reason to end the call.
  context.retry_switch().OnAttemptStarts(
      context.CoreDecides() ||
      (retries_after_timeout >= 0 &&
       (waited_ || log.retries_granted() < retries_after_timeout)));
  waited_ = false;
  return attempt;
}

bool CallAttempts::OnEnded(int attempt, ErrorClass error,
                           const StreamRecord& stream) {
  // Core 1.83 replays such an attempt without asking, so its timeout is noted
  // here.  The backend is not to blame for time that went by before the stream
  // was written.
  if (attempt == log.attempts() && log.IsOpen() &&
      (error == ErrorClass::kTimeout || stream.report.timed_out) &&
      !committed_.load(std::memory_order_relaxed)) {
    OnTimedOut();
  }
  return log.IsVoid(attempt);
}

bool CallAttempts::OnFailed(int attempt, const absl::Status* status,
                            const StreamRecord& stream, bool retriable) {
  // An attempt that was given up may end after its successor has started.
  if (attempt != log.attempts()) return false;
  KeepTrailers(stream, retriable);
  log.OnFailed(attempt, status, retriable);
  // After its timeout it may end beside the start of its successor.
  if (log.IsDecided() || log.HasTimedOut(attempt)) return false;
  context.retry_switch().OnAttemptFailed(/*retry=*/false);
  if (committed_.load(std::memory_order_relaxed)) return false;
  if (IsReplayed(stream.report.reached)) {
    context.retry_switch().OnReplayed();
    return false;
  }
  return (retriable || context.CoreDecides()) && Decide();
}

void CallAttempts::KeepTrailers(const StreamRecord& stream, bool retriable) {
  // Only a retriable answer may be needed again, when the retry finds no
  // backend.
  last_trailers_.store(stream.trailers == nullptr || !retriable
                           ? nullptr
                           : context.arena->ManagedNew<grpc_metadata_batch>(
                                 stream.trailers->Copy()),
                       std::memory_order_relaxed);
}

bool CallAttempts::IsReplayed(StreamReport::Reached reached) {
  if (reached == StreamReport::Reached::kMaybe) return false;
  if (reached == StreamReport::Reached::kNotWritten) return true;
  return !std::exchange(replayed_unseen_, true);
}

RetryDecision CallAttempts::DecideBy(RetryPolicy& policy) {
  const std::shared_ptr<const PickPlan> plan = policy.latest_plan->Get();
  RetryInputs inputs;
  inputs.failover = &policy.failover;
  inputs.budget = &policy.budget;
  inputs.plan = plan.get();
  inputs.label = context.label;
  inputs.method = context.method;
  inputs.has_method_retry_policy = context.has_method_retry_policy;
  inputs.log = &log;
  inputs.ticket = &ticket;
  inputs.now_millis = CoreMillis();
  return DecideRetry(inputs);
}

bool CallAttempts::Decide() {
  const std::shared_ptr<RetryPolicy> policy = RetryPolicy::Of(context);
  if (policy == nullptr) return false;
  // Core has no retry policy for the call.
  if (policy->failover.max_retries() == 0 && !context.has_method_retry_policy) {
    return false;
  }
  const RetryDecision decision = DecideBy(*policy);
  const bool granted = IsRetry(decision);
  context.retry_switch().OnAttemptFailed(granted);
  unrecorded_.store(granted, std::memory_order_relaxed);
  if (!granted && context.record != nullptr) {
    context.record->OnNextStep(NextStepOf(decision), policy->clock->NowNanos());
  }
  return granted;
}

void CallAttempts::OnTimedOut() {
  const std::shared_ptr<RetryPolicy> policy = RetryPolicy::Of(context);
  if (policy == nullptr) return;
  const RetryDecision decision = DecideBy(*policy);
  refused_ = !IsRetry(decision);
  context.retry_switch().OnAttemptFailed(!refused_);
  if (context.record != nullptr) {
    context.record->OnNextStep(NextStepOf(decision), policy->clock->NowNanos());
  }
}

void CallAttempts::OnRetried() {
  if (!unrecorded_.exchange(false, std::memory_order_relaxed)) return;
  if (context.record == nullptr) return;
  const std::shared_ptr<RetryPolicy> policy = RetryPolicy::Of(context);
  if (policy == nullptr) return;
  context.record->OnNextStep(NextStep::kRetried, policy->clock->NowNanos());
}

}  // namespace multi_backend
