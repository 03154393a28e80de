// CallAttempts: the LB policy's part of one call: the attempts that it has made
// and its place in a backlog.
//
// Lives in the call's arena, which never runs its destructor; no member owns
// memory.  Threads: see AttemptLog and BacklogTicket.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_

#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/lb_policy/failover/attempt_log.h"
#include "multi_backend/lb_policy/waiting/ticket.h"

namespace multi_backend {

class CallAttempts final : public PolicyPart {
 public:
  // The part of `call`, which its first pick makes.
  static CallAttempts& Of(CallContext& call) {
    if (call.policy_part == nullptr) {
      call.policy_part = call.arena->New<CallAttempts>(call);
    }
    return *static_cast<CallAttempts*>(call.policy_part);
  }

  explicit CallAttempts(CallContext& call) : context(call) {}

  void OnCommit() override;

  CallContext& context;
  AttemptLog log;
  // In a backlog that the channel's retry state keeps alive.
  BacklogTicket ticket;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_
