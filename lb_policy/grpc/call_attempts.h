// CallAttempts: what the LB policy keeps about one call, which is the log of
// its attempts, the last failed answer, its place in a backlog, and whether
// another attempt may follow the newest one.
//
// That is decided when an attempt ends, or runs into perTryTimeout, and not
// when core asks, because not every release of core asks.  Core may still
// decline a retry that was granted here, for example when retryThrottling says
// so.
//
// A CallAttempts lives in the call's arena, which never runs the destructor, so
// no member may own memory.
//
// Threads: see AttemptLog and BacklogTicket.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_

#include <atomic>
#include <cstdint>

#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/lb_policy/failover/attempt_log.h"
#include "multi_backend/lb_policy/failover/error_class.h"
#include "multi_backend/lb_policy/failover/retry_decision.h"
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

  bool OnAsked(bool granted) override;
  void OnCommit() override;

  // Call at the beginning of each pick.  Returns false if the pick must end the
  // call, because the newest attempt has run into perTryTimeout and no retry
  // was granted.
  bool OnPick();
  // Call when a pick does not lead to an attempt.
  void OnNotPicked() { waited_ = true; }
  // Call when a pick fails the call.
  void OnPickFailed() {
    log.OnPickFailed();
    context.retry_switch().OnAttemptFailed(context.CoreDecides());
  }
  // Call when an attempt on `backend` is being sent.  `retries_after_timeout`
  // is how many retries the call may make; -1 without perTryTimeout.  Returns
  // the attempt's number.
  int OnSent(uint32_t backend, int retries_after_timeout);
  // Call first when attempt number `attempt` has ended with an error.  Notes a
  // timeout that core has not reported.  Returns true if the attempt says
  // nothing about its backend, because it ran into perTryTimeout before it was
  // sent.
  bool OnEnded(int attempt, ErrorClass error, const StreamRecord& stream);
  // Call after OnEnded() has returned false.  `status` must live as long as the
  // call.  `stream.trailers` are the server's; null when it sent none.  Returns
  // whether another attempt was granted, which core makes if it finds no reason
  // against it.
  bool OnFailed(int attempt, const absl::Status* status,
                const StreamRecord& stream, bool retriable);

  // Lets the waiting calls of the channel pick again.
  void WakeWaitingCalls() const;

  // Makes the call, which a pick is about to end with the status of the last
  // attempt that failed, end with that attempt's whole answer.
  void EndWithLastAnswer() {
    context.answer = last_trailers_.load(std::memory_order_relaxed);
  }

  CallContext& context;
  AttemptLog log;
  // The channel's retry state keeps the ticket's backlog alive.
  BacklogTicket ticket;
  // Whether the budget has counted the call.  Written by its picks.
  bool in_budget = false;

 private:
  void KeepTrailers(const StreamRecord& stream, bool retriable);
  // Whether core replays the attempt without asking.
  bool IsReplayed(StreamReport::Reached reached);
  // Decides what follows the newest attempt, which has failed or timed out.
  RetryDecision DecideBy(RetryPolicy& policy);
  bool Decide();
  void OnTimedOut();
  // Core has taken up the retry that was granted.
  void OnRetried();

  std::atomic<const grpc_metadata_batch*> last_trailers_{nullptr};
  // The record does not know yet of a retry that was granted.
  std::atomic<bool> unrecorded_{false};
  std::atomic<bool> committed_{false};
  // Core has replayed an attempt that the server had not seen.  It does so
  // once.
  bool replayed_unseen_ = false;
  // Since the newest attempt, a pick has not led to a new one.
  bool waited_ = false;
  // The newest attempt has run into perTryTimeout, and no retry was granted.
  bool refused_ = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_CALL_ATTEMPTS_H_
