#include "multi_backend/lb_policy/failover/retry_decision.h"

#include "absl/time/time.h"

namespace multi_backend {
namespace {

// "" when the backend has left the list meanwhile.
absl::string_view AddressOf(const PickPlan& plan, uint32_t backend_id) {
  for (const PlanEntry& entry : plan.entries()) {
    if (entry.backend().id() == backend_id) return entry.backend().address();
  }
  return "";
}

bool NewestAllowsRetry(AttemptLog::Newest newest, const RetryInputs& inputs) {
  if (newest != AttemptLog::Newest::kOpen) {
    return newest == AttemptLog::Newest::kRetriable;
  }
  // It is decided before an attempt's end is reported in one case only: the
  // attempt has run into perTryTimeout.
  AttemptView timed_out;
  timed_out.code = absl::StatusCode::kDeadlineExceeded;
  timed_out.method = inputs.method;
  timed_out.backend = AddressOf(*inputs.plan, inputs.log->last_backend());
  timed_out.timed_out = true;
  timed_out.attempt = inputs.log->attempts();
  return inputs.failover->IsRetriable(timed_out);
}

// Core starts perTryTimeout's timer before the pick, but the timer cannot fire
// while the call waits for a backend.  It then fires as soon as the attempt is
// sent, before the backend could have answered.
bool TimeoutWasSpentWaiting(const RetryInputs& inputs) {
  const auto& timeout = inputs.failover->per_try_timeout();
  if (!timeout.has_value()) return false;
  return absl::Milliseconds(inputs.now_millis - inputs.log->start_millis()) <
         *timeout / 2;
}

}  // namespace

NextStep NextStepOf(RetryDecision decision) {
  switch (decision) {
    case RetryDecision::kForbidden:
      return NextStep::kForbidden;
    case RetryDecision::kNotRetriable:
      return NextStep::kNotRetriable;
    case RetryDecision::kRetriesUsedUp:
      return NextStep::kRetriesUsedUp;
    case RetryDecision::kPickFailed:
    case RetryDecision::kNothingSent:
    case RetryDecision::kNoPlan:
    case RetryDecision::kNoOtherBackend:
      return NextStep::kNoOtherBackend;
    case RetryDecision::kBudgetEmpty:
      return NextStep::kBudgetEmpty;
    case RetryDecision::kMethodPolicy:
    case RetryDecision::kTimeoutSpentWaiting:
    case RetryDecision::kGranted:
    case RetryDecision::kGrantedToWait:
      return NextStep::kRetried;
  }
  return NextStep::kDone;
}

RetryDecision DecideRetry(const RetryInputs& inputs) {
  AttemptLog& log = *inputs.log;
  const AttemptLog::Newest newest = log.OnDecided();
  if (newest == AttemptLog::Newest::kOpen) log.TimeOutNewest();
  if (inputs.label.retry == RetryMode::kNever) return RetryDecision::kForbidden;
  if (inputs.has_method_retry_policy) return RetryDecision::kMethodPolicy;
  if (log.pick_failed()) return RetryDecision::kPickFailed;
  // There is nothing to repeat: a pick failed.
  if (newest == AttemptLog::Newest::kNone) return RetryDecision::kNothingSent;
  if (newest == AttemptLog::Newest::kOpen && TimeoutWasSpentWaiting(inputs)) {
    log.VoidNewest();
    return RetryDecision::kTimeoutSpentWaiting;
  }
  if (inputs.plan == nullptr) return RetryDecision::kNoPlan;
  if (!NewestAllowsRetry(newest, inputs)) return RetryDecision::kNotRetriable;
  const PickPlan& plan = *inputs.plan;
  PickRequest request;
  request.tried = log.tried();
  RetryDecision decision = RetryDecision::kGranted;
  if (log.retries_granted() >= inputs.failover->max_retries()) {
    decision = RetryDecision::kRetriesUsedUp;
  } else if (!plan.CanServe(inputs.label, request)) {
    decision = RetryDecision::kNoOtherBackend;
  }
  if (decision != RetryDecision::kGranted) {
    // All of the call's backends may be gone without the plan knowing it yet.
    // A call that can wait for them picks once more.  It is then sent only
    // after it has waited.
    if (newest != AttemptLog::Newest::kRetriable || inputs.ticket->must_wait ||
        !plan.HasOpenBacklog(inputs.label)) {
      return decision;
    }
    inputs.ticket->must_wait = true;
    decision = RetryDecision::kGrantedToWait;
  }
  if (!inputs.budget->TryRetry(inputs.now_millis)) {
    return RetryDecision::kBudgetEmpty;
  }
  log.OnRetryGranted();
  return decision;
}

}  // namespace multi_backend
