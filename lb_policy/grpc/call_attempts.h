// CallAttempts: what the LB policy keeps about one call, which is the log of
// its attempts, the last failed answer and its place in a backlog.
//
// A CallAttempts lives in the call's arena, which never runs the destructor, so
// no member may own memory.
//
// Threads: see AttemptLog and BacklogTicket.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_

#include <atomic>
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

  // Call when attempt number `attempt` has ended with an error.  `status` must
  // live as long as the call.  `trailers` are the server's; null when it sent
  // none.
  void OnFailed(int attempt, const absl::Status* status,
                const grpc_metadata_batch* trailers, bool retriable) {
    if (attempt == log.attempts()) {
      // Only a retriable answer may be needed again, when the retry finds no
      // backend.
      last_trailers_.store(trailers == nullptr || !retriable
                               ? nullptr
                               : context.arena->ManagedNew<grpc_metadata_batch>(
                                     trailers->Copy()),
                           std::memory_order_relaxed);
    }
    log.OnFailed(attempt, status, retriable);
  }

  // Makes the call, which a pick is about to end with the status of the last
  // attempt that failed, end with that attempt's whole answer.
  void EndWithLastAnswer() {
    context.answer = last_trailers_.load(std::memory_order_relaxed);
  }

  CallContext& context;
  AttemptLog log;
  // The channel's retry state keeps the ticket's backlog alive.
  BacklogTicket ticket;

 private:
  std::atomic<const grpc_metadata_batch*> last_trailers_{nullptr};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_
