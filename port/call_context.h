// CallContext: what travels with one call inside the channel, from the config
// selector (which makes it, in the call's arena) to the picks of all attempts
// and to core's question whether to retry.
//
// Threads: the fields are written once by the config selector before the first
// pick.  `attempts` is set by the first pick, under the channel's data-plane
// lock; core asks ShouldRetry() in the call combiner.
#ifndef MULTI_BACKEND_PORT_CALL_CONTEXT_H_
#define MULTI_BACKEND_PORT_CALL_CONTEXT_H_

#include <atomic>

#include "absl/strings/string_view.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/proto/call_label.h"

namespace multi_backend {

// The LB policy's own record of a call's attempts.  Lives in the call's arena.
class CallAttempts {
 public:
  virtual ~CallAttempts() = default;
  // Whether another attempt is right; see CallDispatchController.
  virtual bool ShouldRetry() = 0;
};

class CallContext final
    : public grpc_core::ConfigSelector::CallDispatchController {
 public:
  explicit CallContext(grpc_core::Arena* call_arena) : arena(call_arena) {}

  // The key under which a pick finds the context of its call.
  static grpc_core::UniqueTypeName Type() {
    static auto* factory =
        new grpc_core::UniqueTypeName::Factory("multi_backend.call_context");
    return factory->Create();
  }

  // The value of the call attribute, and back.  nullptr for none of ours.
  absl::string_view AsAttribute() const {
    return absl::string_view(reinterpret_cast<const char*>(this), sizeof(*this));
  }
  static CallContext* FromAttribute(absl::string_view attribute) {
    if (attribute.size() != sizeof(CallContext)) return nullptr;
    return reinterpret_cast<CallContext*>(const_cast<char*>(attribute.data()));
  }

  // Without a pick there is nobody to ask: a call that waited in the queue
  // until perTryTimeout goes on waiting.
  bool ShouldRetry() override {
    CallAttempts* recorded = attempts.load(std::memory_order_acquire);
    return recorded == nullptr || recorded->ShouldRetry();
  }
  // "No more picks" is not "ended": nothing to do, the arena frees everything.
  void Commit() override {}

  grpc_core::Arena* const arena;
  CallLabel label;  // Views into the arena.
  grpc_core::Timestamp deadline = grpc_core::Timestamp::InfFuture();
  // The method has a retryPolicy of its own in the service config, which then
  // decides how often and on which codes to retry.
  bool own_retry_policy = false;
  std::atomic<CallAttempts*> attempts{nullptr};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CALL_CONTEXT_H_
