// CallAttempts: what the LB policy keeps about one call, which is the log of
// its attempts and its place in a backlog.
//
// A CallAttempts lives in the call's arena, which never runs the destructor, so
// no member may own memory.
//
// Threads: see AttemptLog and BacklogTicket.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_

#include <memory>

#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/lb_policy/failover/attempt_log.h"
#include "multi_backend/lb_policy/grpc/retry_policy.h"
#include "multi_backend/lb_policy/waiting/ticket.h"

namespace multi_backend {

class CallAttempts final : public PolicyPart {
 public:
  // Returns the object of `call`; the call's first pick makes it.
  static CallAttempts& Of(CallContext& call) {
    if (call.policy_part == nullptr) {
      call.policy_part = call.arena->New<CallAttempts>(call);
    }
    return *static_cast<CallAttempts*>(call.policy_part);
  }

  explicit CallAttempts(CallContext& call) : context(call) {}

  void OnCommit() override {
    if (!ticket.Leave()) return;
    const std::shared_ptr<RetryPolicy> policy = RetryPolicy::Of(context);
    if (policy != nullptr) policy->OnTicketReturned();
  }

  CallContext& context;
  AttemptLog log;
  // The channel's retry state keeps the ticket's backlog alive.
  BacklogTicket ticket;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_
