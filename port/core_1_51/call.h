// RetrySwitch and CallAttribute: what travels with one call.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_CALL_H_
#define MULTI_BACKEND_PORT_CORE_1_51_CALL_H_

#include <atomic>

#include "absl/strings/string_view.h"
#include "multi_backend/port/core_1_51/headers.h"

namespace multi_backend {
namespace core {

// Whether core may make another attempt of one call.  Core has reasons of its
// own against one, too.
//
// Trivially destructible.  Thread-safe.
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
  // This release needs no grant for that.
  void OnReplayed() {}

  // For CallAttribute.  What was set; it holds for one more attempt.
  bool Take() { return retry_.exchange(false, std::memory_order_relaxed); }

 private:
  void Set(bool retry) { retry_.store(retry, std::memory_order_relaxed); }

  std::atomic<bool> retry_{false};
};

// The base of the class `T` that the library keeps for each call.  It lives in
// the call's arena, which never runs the destructor.
template <typename T>
class CallAttribute : public grpc_core::ConfigSelector::CallDispatchController {
 public:
  // What the selector has attached to the call that a pick is for; null if
  // there is nothing.
  static T* Of(grpc_core::LoadBalancingPolicy::CallState* call) {
    using LbCallState = grpc_core::ClientChannel::LoadBalancedCall::LbCallState;
    // Core's ping of a channel picks without a call.
    if (call == nullptr) return nullptr;
    return FromValue(static_cast<LbCallState*>(call)->GetCallAttribute(Type()));
  }

  // The same for a filter below the selector.
  static T* Of(const grpc_call_element_args& args) {
    if (args.context == nullptr) return nullptr;
    const auto* data = static_cast<const grpc_core::ServiceConfigCallData*>(
        args.context[GRPC_CONTEXT_SERVICE_CONFIG_CALL_DATA].value);
    if (data == nullptr) return nullptr;
    const auto& attributes = data->call_attributes();
    const auto found = attributes.find(Type());
    return found == attributes.end() ? nullptr : FromValue(found->second);
  }

  RetrySwitch& retry_switch() { return retry_switch_; }

  // Core is about to make another attempt, and asks.  `granted` is what the
  // switch says.  Core 1.83 does not call this: what must happen then happens
  // with the next pick at the latest.
  virtual bool OnAsked(bool granted) = 0;
  // No further pick of the call can happen.  Core calls this once for each
  // call, also for one that was cancelled.
  virtual void OnCommitted() = 0;

  // For the selector.
  static grpc_core::UniqueTypeName Type() {
    static auto* factory =
        new grpc_core::UniqueTypeName::Factory("multi_backend.call");
    return factory->Create();
  }
  absl::string_view AsValue() const {
    return absl::string_view(
        reinterpret_cast<const char*>(static_cast<const T*>(this)), sizeof(T));
  }

 protected:
  ~CallAttribute() = default;

 private:
  // Another library's value has another size.
  static T* FromValue(absl::string_view value) {
    if (value.size() != sizeof(T)) return nullptr;
    return reinterpret_cast<T*>(const_cast<char*>(value.data()));
  }

  bool ShouldRetry() final { return OnAsked(retry_switch_.Take()); }
  void Commit() final { OnCommitted(); }

  RetrySwitch retry_switch_;
};

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_51_CALL_H_
