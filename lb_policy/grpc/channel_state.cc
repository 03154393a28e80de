#include "multi_backend/lb_policy/grpc/channel_state.h"

namespace multi_backend {

bool ChannelState::NewestAllowsRetry(AttemptLog::Newest newest,
                                     const CallContext& context) const {
  if (newest != AttemptLog::Newest::kOpen) {
    return newest == AttemptLog::Newest::kRetriable;
  }
  // Core asks before an attempt's end is reported in one case only: it has run
  // into perTryTimeout.
  AttemptView timed_out;
  timed_out.code = absl::StatusCode::kDeadlineExceeded;
  timed_out.timed_out = true;
  timed_out.attempt = context.log.attempts();
  return failover.IsRetriable(timed_out);
}

bool ChannelState::ShouldRetry(CallContext& context) {
  const AttemptLog::Newest newest = context.log.OnAsked();
  if (context.label.retry == RetryMode::kNever) return false;
  if (context.own_retry_policy) return true;
  if (context.log.pick_failed()) return false;
  // perTryTimeout has expired while the call still waited for a backend.  It
  // has not been sent, so waiting on is no retry.
  if (newest == AttemptLog::Newest::kNone) return true;
  if (!NewestAllowsRetry(newest, context)) return false;
  if (context.log.attempts() > failover.max_retries()) return false;
  PickRequest request;
  request.tried = context.log.tried();
  const std::shared_ptr<const PickPlan> plan = plans->Get();
  if (plan == nullptr || !plan->CanServe(context.label, request)) {
    return false;
  }
  return budget.TryRetry(BudgetSeconds());
}

}  // namespace multi_backend
