// RetryPolicy: what CallAttempts needs to decide on the retries of a channel's
// calls.  The control plane, the picks and the calls of one channel share it
// for as long as the failover configuration stays the same.
//
// Thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_RETRY_POLICY_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_RETRY_POLICY_H_

#include <memory>
#include <utility>

#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/failover/failover.h"
#include "multi_backend/lb_policy/failover/retry_budget.h"
#include "multi_backend/lb_policy/grpc/policy_mailbox.h"
#include "multi_backend/lb_policy/grpc/queued_call_wakeups.h"
#include "multi_backend/lb_policy/plan/latest_plan.h"

namespace multi_backend {

class RetryPolicy final : public RetryDecider {
 public:
  RetryPolicy(const FailoverConfig& config,
              std::shared_ptr<const AttemptClassifier> classifier,
              std::shared_ptr<LatestPlan> latest_plan,
              std::shared_ptr<QueuedCallWakeups> queued_call_wakeups,
              const Clock* clock)
      : failover(config, std::move(classifier)),
        budget(config.budget_ratio, config.min_retries_per_second),
        latest_plan(std::move(latest_plan)),
        wakeups(std::move(queued_call_wakeups)),
        clock(clock) {}

  // Returns the newest RetryPolicy of the call's channel, or null before the LB
  // policy's first update.
  static std::shared_ptr<RetryPolicy> Of(const CallContext& call) {
    return std::static_pointer_cast<RetryPolicy>(call.decider());
  }

  // Lets the waiting calls pick again.
  void WakeWaitingCalls() { wakeups->mailbox().Raise(PolicyMailbox::kRepick); }

  const Failover failover;
  RetryBudget budget;  // OnCall() when a call is first picked for.
  const std::shared_ptr<LatestPlan> latest_plan;
  const std::shared_ptr<QueuedCallWakeups> wakeups;
  const Clock* const clock;  // For all times except the budget's.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_RETRY_POLICY_H_
