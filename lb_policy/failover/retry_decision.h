// RetryDecision: whether a call makes another attempt, decided when one has
// failed or has run into perTryTimeout.
//
// Threads: as AttemptLog, BacklogTicket and RetryBudget, which a decision
// changes.  Cost: O(backends) at most.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_DECISION_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_DECISION_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/lb_policy/failover/attempt_log.h"
#include "multi_backend/lb_policy/failover/failover.h"
#include "multi_backend/lb_policy/failover/retry_budget.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/lb_policy/waiting/ticket.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

enum class RetryDecision {
  // The call ends, because
  kForbidden,       // its route says `retry: NEVER`;
  kPickFailed,      // a pick found no backend for it;
  kNothingSent,     // nothing has been sent since the last retry;
  kNoPlan,          // the channel has no backends any more;
  kNotRetriable,    // the way in which the attempt ended forbids a retry;
  kRetriesUsedUp,   // it has made `maxRetries`;
  kNoOtherBackend,  // it has tried every backend that could serve it;
  kBudgetEmpty,     // the channel has made too many retries.
  // The call makes another attempt:
  kMethodPolicy,         // The method's own retry policy has decided so.
  kTimeoutSpentWaiting,  // The attempt had no time; counts as no retry.
  kGranted,
  kGrantedToWait,  // But only after waiting in a backlog, or not at all.
};

constexpr bool IsRetry(RetryDecision decision) {
  return decision >= RetryDecision::kMethodPolicy;
}

// What the record of a call says of the decision.
NextStep NextStepOf(RetryDecision decision);

struct RetryInputs {
  // Of the channel.
  const Failover* failover = nullptr;
  RetryBudget* budget = nullptr;
  const PickPlan* plan = nullptr;  // The newest; null when there is none.
  // Of the call.
  CallLabel label;
  absl::string_view method;  // "/package.Service/Method".
  bool has_method_retry_policy = false;
  AttemptLog* log = nullptr;
  BacklogTicket* ticket = nullptr;
  // The present time, on the clock of AttemptLog::SetStart() and of
  // RetryBudget.
  int64_t now_millis = 0;
};

// Must be called at most once for each attempt, and not for one that core
// replays without asking.  Notes in the log, the ticket and the budget what
// follows from the decision.
RetryDecision DecideRetry(const RetryInputs& inputs);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_DECISION_H_
