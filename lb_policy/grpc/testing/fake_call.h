// FakeCall: one call as the picker of a policy under test sees it, from its
// first pick to its end; what core's retry filter asks is asked by the test.
//
// No class of core's client channel is involved: a call's state is a
// LoadBalancingPolicy::CallState, and FakeRetryState finds the context in it.
//
// Threads: one.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CALL_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CALL_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

// Finds the contexts of FakeCalls.
class FakeRetryState final : public ChannelRetryState {
 public:
  CallContext* ContextOf(
      grpc_core::LoadBalancingPolicy::CallState* call) const override;
};

struct FakeCallOptions {
  std::string path = "/package.Service/Method";
  CallLabel label;  // Its views must outlive the call.
  bool wait_for_ready = false;
  // The method has a retry policy of its own.
  bool has_method_retry_policy = false;
};

class FakeCall {
 public:
  using Policy = grpc_core::LoadBalancingPolicy;
  enum class State { kNew, kQueued, kSent, kFailed, kDropped, kEnded };

  // `retry_state`: null for a call without a context.
  FakeCall(const FakeCallOptions& options, ChannelRetryState* retry_state);
  ~FakeCall();
  FakeCall(const FakeCall&) = delete;
  FakeCall& operator=(const FakeCall&) = delete;

  // The context of the call whose state core would pass to the picker.
  static CallContext* ContextIn(Policy::CallState* call);

  // As core does under its pick lock.  Returns whether the call waits no more.
  // A pick of a connection that is not READY bounces: its tracker dies
  // unstarted, and the call waits for the next picker.
  bool PickFrom(Policy::SubchannelPicker* picker);

  State state() const { return state_; }
  bool sent() const { return state_ == State::kSent; }
  // Where it has been sent, and how its last pick ended.
  const std::string& backend() const { return backend_; }
  // What became of it: "10.0.0.1:80", "queued", "UNAVAILABLE: …",
  // "dropped: UNAVAILABLE: …" or "ended".
  std::string Outcome() const;
  // Which of the backend's connections.
  const grpc_core::SubchannelInterface* connection() const {
    return connection_;
  }
  int bounces() const { return bounces_; }
  CallContext* context() const { return context_; }

  // The attempt ends, with these trailers.  Of a sent call.
  void Finish(const absl::Status& status,
              std::map<std::string, std::string> trailers = {});
  // Whether core's retry filter may make another attempt; it then picks again.
  bool AllowsRetry();
  // The call's end: nothing of it remains with the policy.  An attempt that is
  // on its way is dropped, as by a cancellation.  Idempotent.
  void End();

 private:
  class Metadata;
  class CallState;

  bool Complete(Policy::PickResult::Complete* complete);
  bool Fail(State state, absl::Status status);

  const FakeCallOptions options_;
  grpc_core::MemoryAllocator allocator_;
  grpc_core::Arena* const arena_;
  CallContext* const context_;  // In the arena; null without one.
  State state_ = State::kNew;
  std::string backend_;
  const grpc_core::SubchannelInterface* connection_ = nullptr;
  absl::Status status_;
  int bounces_ = 0;
  std::unique_ptr<Policy::SubchannelCallTrackerInterface> tracker_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CALL_H_
