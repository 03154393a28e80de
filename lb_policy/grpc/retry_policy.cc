#include "multi_backend/lb_policy/grpc/retry_policy.h"

namespace multi_backend {
namespace {

// "" when the backend has left the list meanwhile.
absl::string_view AddressOf(const PickPlan& plan, uint32_t backend_id) {
  for (const PlanEntry& entry : plan.entries()) {
    if (entry.backend().id() == backend_id) return entry.backend().address();
  }
  return "";
}

}  // namespace

bool RetryPolicy::NewestAllowsRetry(AttemptLog::Newest newest,
                                    const CallAttempts& call,
                                    const PickPlan& plan) const {
  if (newest != AttemptLog::Newest::kOpen) {
    return newest == AttemptLog::Newest::kRetriable;
  }
  // Core asks before an attempt's end is reported in one case only: it has run
  // into perTryTimeout.
  AttemptView timed_out;
  timed_out.code = absl::StatusCode::kDeadlineExceeded;
  timed_out.method = call.context.method;
  timed_out.backend = AddressOf(plan, call.log.last_backend());
  timed_out.timed_out = true;
  timed_out.attempt = call.log.attempts();
  return failover.IsRetriable(timed_out);
}

// Core starts perTryTimeout's timer before the pick, and it cannot fire while
// the call waits for a backend: it then fires at the very moment the attempt is
// sent.  The backend has had no chance to be slow.
bool RetryPolicy::TimeoutWasSpentWaiting(const AttemptLog& log) const {
  if (!failover.per_try_timeout().has_value()) return false;
  return absl::Milliseconds(CoreMillis() - log.start_millis()) <
         *failover.per_try_timeout() / 2;
}

bool RetryPolicy::ShouldRetry(CallContext& context) {
  CallAttempts& call = CallAttempts::Of(context);
  const AttemptLog::Newest newest = call.log.OnAsked();
  if (context.label.retry == RetryMode::kNever) return false;
  if (context.has_method_retry_policy) return true;
  if (call.log.pick_failed()) return false;
  // Nothing has been sent, so there is nothing to repeat: a pick failed.
  if (newest == AttemptLog::Newest::kNone) return false;
  if (newest == AttemptLog::Newest::kOpen && TimeoutWasSpentWaiting(call.log)) {
    call.log.VoidNewest();
    return true;
  }
  const std::shared_ptr<const PickPlan> plan = latest_plan->Get();
  if (plan == nullptr || !NewestAllowsRetry(newest, call, *plan)) {
    return false;
  }
  PickRequest request;
  request.tried = call.log.tried();
  if (call.log.retries_granted() >= failover.max_retries() ||
      !plan->CanServe(context.label, request)) {
    // All of its backends may just have gone, which the plan need not know yet.
    // A call that can wait for them picks once more, and goes after waiting or
    // not at all.
    if (newest != AttemptLog::Newest::kRetriable || call.ticket.must_wait ||
        !plan->MayWait(context.label)) {
      return false;
    }
    call.ticket.must_wait = true;
  }
  if (!budget.TryRetry(BudgetSeconds())) return false;
  call.log.OnRetryGranted();
  return true;
}

}  // namespace multi_backend
