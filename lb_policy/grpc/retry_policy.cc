#include "multi_backend/lb_policy/grpc/retry_policy.h"

#include "multi_backend/lb_policy/failover/retry_decision.h"
#include "multi_backend/lb_policy/grpc/call_attempts.h"
#include "multi_backend/port/core_time.h"

namespace multi_backend {

bool RetryPolicy::ShouldRetry(CallContext& context) {
  CallAttempts& call = CallAttempts::Of(context);
  const std::shared_ptr<const PickPlan> plan = latest_plan->Get();
  RetryInputs inputs;
  inputs.failover = &failover;
  inputs.budget = &budget;
  inputs.plan = plan.get();
  inputs.label = context.label;
  inputs.method = context.method;
  inputs.has_method_retry_policy = context.has_method_retry_policy;
  inputs.log = &call.log;
  inputs.ticket = &call.ticket;
  inputs.now_millis = CoreMillis();
  const RetryDecision decision = DecideRetry(inputs);
  if (context.record != nullptr) {
    context.record->OnNextStep(NextStepOf(decision), clock->NowNanos());
  }
  return IsRetry(decision);
}

}  // namespace multi_backend
