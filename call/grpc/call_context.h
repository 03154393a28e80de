// CallContext: what travels with one call inside the channel, from the config
// selector (which makes it, in the call's arena) to the picks of all attempts
// and to core's question whether to retry.
//
// Trivially destructible: the arena frees it.
#ifndef MULTI_BACKEND_CALL_GRPC_CALL_CONTEXT_H_
#define MULTI_BACKEND_CALL_GRPC_CALL_CONTEXT_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/lb_policy/failover/attempt_log.h"
#include "multi_backend/lb_policy/failover/failover.h"
#include "multi_backend/lb_policy/waiting/backlog_set.h"
#include "multi_backend/lb_policy/waiting/place.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class CallContext;

// Decides on the retries of a channel's calls.  Thread-safe.
class RetryDecider {
 public:
  virtual ~RetryDecider() = default;
  virtual bool ShouldRetry(CallContext& context) = 0;
  // Whether the end of an attempt by itself allows a retry.
  virtual bool IsRetriable(const AttemptView& attempt) const = 0;
  // A call has left a backlog, and another may go.
  virtual void OnPlaceFreed() = 0;
};

// The place where the channel's LB policy leaves its RetryDecider, and its
// calls find it; and the way from a pick to the context of its call.  The
// resolver makes one per channel and hands it to the policy as a channel arg;
// each call keeps it alive through its service config.
class RetryGate : public grpc_core::RefCounted<RetryGate> {
 public:
  static absl::string_view ChannelArgName() {
    return "multi_backend.retry_gate";
  }
  static int ChannelArgsCompare(const RetryGate* a, const RetryGate* b) {
    return grpc_core::QsortCompare(a, b);
  }

  void Set(std::shared_ptr<RetryDecider> decider) {
    absl::MutexLock lock(&mutex_);
    decider_.swap(decider);
  }
  std::shared_ptr<RetryDecider> Get() const {
    absl::MutexLock lock(&mutex_);
    return decider_;
  }

  // The context of the call that a pick is for; null for a call without one.
  // The only place that knows which class of core's a call's state has.
  virtual CallContext* ContextOf(
      grpc_core::LoadBalancingPolicy::CallState* call) const;

  // Where the channel's calls wait; each call keeps it alive, too.
  const std::shared_ptr<BacklogSet> backlogs = std::make_shared<BacklogSet>();

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<RetryDecider> decider_ ABSL_GUARDED_BY(mutex_);
};

class CallContext final
    : public grpc_core::ConfigSelector::CallDispatchController {
 public:
  // `retry_gate` must outlive the call.
  CallContext(grpc_core::Arena* call_arena, RetryGate* retry_gate)
      : arena(call_arena), gate_(retry_gate) {}

  // The key under which a pick finds the context of its call.
  static grpc_core::UniqueTypeName Type() {
    static auto* factory =
        new grpc_core::UniqueTypeName::Factory("multi_backend.call_context");
    return factory->Create();
  }

  // The value of the call attribute, and back.  nullptr for none of ours.
  absl::string_view AsAttribute() const {
    return absl::string_view(reinterpret_cast<const char*>(this),
                             sizeof(*this));
  }
  static CallContext* FromAttribute(absl::string_view attribute) {
    if (attribute.size() != sizeof(CallContext)) return nullptr;
    return reinterpret_cast<CallContext*>(const_cast<char*>(attribute.data()));
  }

  bool ShouldRetry() override {
    const std::shared_ptr<RetryDecider> found = decider();
    return found != nullptr && found->ShouldRetry(*this);
  }
  std::shared_ptr<RetryDecider> decider() const { return gate_->Get(); }
  // There will be no more picks, be it that the call has been cancelled.
  void Commit() override {
    if (!place.Leave()) return;
    const std::shared_ptr<RetryDecider> found = decider();
    if (found != nullptr) found->OnPlaceFreed();
  }

  grpc_core::Arena* const arena;
  // Room for the first attempt's tracker, so that the pick, which runs under
  // the channel's lock, need not ask the arena for it.  What a pick touches
  // comes first: three cache lines.
  static constexpr size_t kTrackerRoom = 104;
  alignas(16) char tracker_room[kTrackerRoom];
  CallLabel label;  // Views into the arena.
  AttemptLog log;
  WaitingPlace place;        // In a backlog of the gate's.
  absl::string_view method;  // "/package.Service/Method".
  grpc_core::Timestamp deadline = grpc_core::Timestamp::InfFuture();
  // The method has a retryPolicy of its own in the service config, which then
  // decides how often and on which codes to retry.
  bool own_retry_policy = false;

 private:
  RetryGate* const gate_;
};

inline CallContext* RetryGate::ContextOf(
    grpc_core::LoadBalancingPolicy::CallState* call) const {
  using LbCallState = grpc_core::ClientChannel::LoadBalancedCall::LbCallState;
  // Core's ping of a channel picks without a call.
  if (call == nullptr) return nullptr;
  return CallContext::FromAttribute(
      static_cast<LbCallState*>(call)->GetCallAttribute(CallContext::Type()));
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_CALL_CONTEXT_H_
