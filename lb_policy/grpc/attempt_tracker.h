// AttemptTracker: counts one attempt as in flight, and reports its end to the
// backend and to the call's log.
//
// A tracker lives in the call's arena, so deleting it frees nothing.  The
// picker counts the attempt on its backend and its connection, and then calls
// OnPicked(), so that the next pick knows of it.  OnSent() follows when core
// makes the attempt's stream.  Only then does the call's log count it; a call
// without a context has no log.  Core calls Finish() at most once.  It destroys
// a tracker without Finish() if the picked connection was lost before the next
// picker was published.  The pick has then bounced, and the tracker takes back
// what was counted.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_ATTEMPT_TRACKER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_ATTEMPT_TRACKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/connections/load.h"
#include "multi_backend/lb_policy/failover/error_class.h"
#include "multi_backend/lb_policy/failover/failover.h"
#include "multi_backend/lb_policy/grpc/call_attempts.h"
#include "multi_backend/lb_policy/grpc/retry_policy.h"
#include "multi_backend/lb_policy/plan/balancer_node.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

class AttemptTracker final : public core::TrackerBase, public AttemptPart {
 public:
  struct Args {
    // The picker keeps these four alive until OnPicked() has returned.
    Backend* backend = nullptr;
    const BalancerNode* leaf = nullptr;
    RetryPolicy* retry_policy = nullptr;
    ConnectionLoad* connection = nullptr;
    CallAttempts* call = nullptr;     // Null for a call without context.
    AttemptRecord* record = nullptr;  // Null for a call without a record.
    bool needs_latency = false;
    bool may_have_ticket = false;  // The call may have waited in a backlog.
    uint16_t trial = 0;            // See BackendHealth::TryBeginTrial().
  };
  explicit AttemptTracker(const Args& args)
      : backend_(args.backend),
        call_(args.call),
        record_(args.record),
        leaf_(args.leaf),
        retry_policy_(args.retry_policy),
        clock_(args.retry_policy->clock),
        connection_(args.connection),
        needs_latency_(args.needs_latency),
        may_have_ticket_(args.may_have_ticket),
        trial_(args.trial) {}
  ~AttemptTracker() override;

  static void* operator new(size_t, void* arena_memory) { return arena_memory; }
  static void operator delete(void*, void*) {}
  static void operator delete(void*) {}

  void OnPicked();
  StreamRecord* OnSent() override;
  void Finish(FinishArgs args) override;

 private:
  enum class Phase : uint8_t { kNew, kPicked, kSent, kEnded };
  void Bounce();
  void ReturnToBacklog();
  void Abandon();
  void End();
  bool GaveUpUnheard() const;
  bool IsDropped(const FinishArgs& args) const;
  void ReportUnavailable(FinishArgs& args);
  void OnSucceeded();
  // `dropped` is IsDropped().
  void OnFailed(const FinishArgs& args, bool dropped);
  // Whether the end of this attempt allows another one.  The budget and which
  // backends are left are not considered.
  bool IsRetriable(ErrorClass error, const RetryPolicy* policy,
                   const AttemptView& view, const FinishArgs& args) const;
  void CountFailure();
  // `policy` of these is null before the LB policy's first update.
  void RecordFailure(ErrorClass error, const AttemptView& view,
                     const RetryPolicy* policy, bool retriable);
  void Record(const AttemptEnd& end);
  bool AllowsRetry(const RetryPolicy* policy, const AttemptView& view,
                   const core::Trailers& trailers) const;
  void ObserveLatencies(bool failed);

  Backend* const backend_;  // The stream on `connection_` keeps it alive.
  CallAttempts* const call_;
  AttemptRecord* const record_;
  const BalancerNode* const leaf_;   // Not used after OnPicked().
  RetryPolicy* const retry_policy_;  // Not used after OnPicked().
  const Clock* const clock_;         // The backend's pool keeps it alive.
  ConnectionLoad* const connection_;
  std::shared_ptr<const LoadPath> load_path_;  // Set by OnPicked().
  const bool needs_latency_;
  const bool may_have_ticket_;
  Phase phase_ = Phase::kNew;
  const uint16_t trial_;
  // With perTryTimeout, how many retries a call may make; -1 without.
  int retries_after_timeout_ = -1;  // Set by OnPicked().
  // Set by OnSent():
  int attempt_ = 0;
  StreamRecord* stream_ = nullptr;
  // Set by OnPicked() if needs_latency_.
  int64_t start_nanos_ = 0;
  int64_t ewma_decay_nanos_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_ATTEMPT_TRACKER_H_
