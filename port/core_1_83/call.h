// RetrySwitch and CallAttribute: what travels with one call.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_CALL_H_
#define MULTI_BACKEND_PORT_CORE_1_83_CALL_H_

#include <atomic>

#include "multi_backend/port/core_1_83/headers.h"

namespace multi_backend {
namespace core {

// Whether core may make another attempt of one call.  Core has reasons of its
// own against one, too.
//
// Core's retry filter reads the call's retry policy anew whenever it decides.
// Each call has a copy of its own (OwnRetryPolicy), and an empty one allows
// nothing.
//
// Trivially destructible.  The functions are called while core serialises what
// touches the call.
class RetrySwitch {
 public:
  // Call when an attempt is being sent.  `retry` says what core may do if the
  // attempt runs into perAttemptRecvTimeout, because the library learns of that
  // too late.
  void OnAttemptStarts(bool retry) { Set(retry); }
  // Call when an attempt ends with an error, before its tracker's Finish() has
  // returned, or when a pick fails.
  void OnAttemptFailed(bool retry) { Set(retry); }

  // Call after OnAttemptFailed() when core replays the attempt without asking.
  // The next attempt takes its perAttemptRecvTimeout from the policy.
  void OnReplayed() { Set(true); }

  // For CallAttribute::OnAsked(), which this release never calls.
  bool Take() { return retry_.exchange(false, std::memory_order_relaxed); }

  // For the selector.  `mine` is the call's own policy, which is `granted` now.
  // Both live as long as the call.
  void Bind(grpc_core::RetryMethodConfig* mine,
            const grpc_core::RetryMethodConfig* granted) {
    mine_ = mine;
    granted_ = granted;
  }

 private:
  void Set(bool retry) {
    retry_.store(retry, std::memory_order_relaxed);
    if (mine_ == nullptr) return;
    *mine_ = retry ? *granted_ : grpc_core::RetryMethodConfig();
  }

  std::atomic<bool> retry_{false};
  grpc_core::RetryMethodConfig* mine_ = nullptr;  // Null: core never retries.
  const grpc_core::RetryMethodConfig* granted_ = nullptr;
};

// The base of the class `T` that the library keeps for each call.  It lives in
// the call's arena, which never runs the destructor.
template <typename T>
class CallAttribute
    : public grpc_core::ServiceConfigCallData::CallAttributeInterface {
 public:
  // What the selector has attached to the call that a pick is for; null if
  // there is nothing.
  static T* Of(grpc_core::LoadBalancingPolicy::CallState* call) {
    // Core's ping of a channel picks without a call.
    if (call == nullptr) return nullptr;
    return FromAttribute(static_cast<grpc_core::ClientChannelLbCallState*>(call)
                             ->GetCallAttribute(TypeName()));
  }

  // The same for a filter below the selector.
  static T* Of(const grpc_call_element_args& args) {
    auto* data = args.arena->GetContext<grpc_core::ServiceConfigCallData>();
    return data == nullptr ? nullptr
                           : FromAttribute(data->GetCallAttribute(TypeName()));
  }

  RetrySwitch& retry_switch() { return retry_switch_; }

  // Core is about to make another attempt, and asks.  `granted` is what the
  // switch says.  This release does not call it: what must happen then happens
  // with the next pick at the latest.
  virtual bool OnAsked(bool granted) = 0;
  // No further pick of the call can happen.  Core calls this once for each
  // call, also for one that was cancelled.
  virtual void OnCommitted() = 0;

  // For the selector.
  static grpc_core::UniqueTypeName TypeName() {
    static auto* factory =
        new grpc_core::UniqueTypeName::Factory("multi_backend.call");
    return factory->Create();
  }
  grpc_core::UniqueTypeName type() const final { return TypeName(); }

 protected:
  ~CallAttribute() override = default;

 private:
  static T* FromAttribute(
      grpc_core::ServiceConfigCallData::CallAttributeInterface* attribute) {
    return attribute == nullptr
               ? nullptr
               : static_cast<T*>(static_cast<CallAttribute*>(attribute));
  }

  RetrySwitch retry_switch_;
};

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_83_CALL_H_
