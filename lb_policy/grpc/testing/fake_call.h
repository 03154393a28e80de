// FakeCall: one call to the picker of a policy under test, from its first pick
// to its end.  The test takes the part of core's retry filter.
//
// No class of core's client channel is involved: a call's state is a
// LoadBalancingPolicy::CallState, and FakeRetryState finds the context in it.
//
// Threads: the test's only.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CALL_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CALL_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/fakes.h"

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
  // Whether the method has its own retry policy.
  bool has_method_retry_policy = false;
  // Whether core commits the call before it makes the stream of its attempt, as
  // it does with a request that is too large to be sent again.
  bool commits_early = false;
  // Whether core keeps the call waiting for a stream after its pick, until it
  // ends.
  bool waits_for_stream = false;
};

class FakeCall {
 public:
  using Policy = grpc_core::LoadBalancingPolicy;
  enum class State { kNew, kQueued, kSent, kFailed, kDropped, kEnded };

  // `retry_state` is null for a call without a context.
  FakeCall(const FakeCallOptions& options, ChannelRetryState* retry_state);
  ~FakeCall();
  FakeCall(const FakeCall&) = delete;
  FakeCall& operator=(const FakeCall&) = delete;

  // Returns the context of the call to which `call` belongs.
  static CallContext* ContextIn(Policy::CallState* call);

  // Picks, as core does under its pick lock.  Returns false if the call has to
  // wait for the next picker.  A pick of a connection that is not READY
  // bounces: its tracker is destroyed without an end, and the call waits.
  bool PickFrom(Policy::SubchannelPicker* picker);

  State state() const { return state_; }
  bool sent() const { return state_ == State::kSent; }
  // The address to which the call was last sent.
  const std::string& backend() const { return backend_; }
  // Returns what became of the call: "10.0.0.1:80", "queued", "UNAVAILABLE: …",
  // "dropped: UNAVAILABLE: …" or "ended".
  std::string Outcome() const;
  // The connection of the backend to which the call was last sent.
  const grpc_core::SubchannelInterface* connection() const {
    return connection_;
  }
  int bounces() const { return bounces_; }
  CallContext* context() const { return context_; }

  // Ends the attempt with these trailers.  The call must have been sent.
  void Finish(const absl::Status& status,
              std::map<std::string, std::string> trailers = {});
  // Ends the attempt with a status that the server has sent.
  void FinishByServer(const absl::Status& status);
  // The trailers of the last attempt that has ended, as its tracker left them
  // for core's retry filter.
  const std::map<std::string, std::string>& trailers() const {
    return trailers_;
  }
  // Ends the attempt as one that has not reached the server, which core replays
  // without asking.
  void FinishUnseen(StreamReport::Reached reached);
  // Ends the attempt as one that ran into perTryTimeout before its stream was
  // written, which core 1.83 also replays without asking.
  void FinishUnwrittenAtTimeout();
  // Asks the policy, as core's retry filter does, whether to make another
  // attempt.  If so, the call may pick again.
  bool AllowsRetry();
  // Ends the call, after which the policy holds nothing of it.  An attempt in
  // flight ends as cancelled, as core reports it.  Idempotent.
  void End();

 private:
  class CallState;

  bool Complete(Policy::PickResult::Complete* complete);
  bool Fail(State state, absl::Status status);
  void Commit();

  const FakeCallOptions options_;
  const core::FakeArena arena_;
  CallContext* const context_;  // In the arena; null for a call without one.
  State state_ = State::kNew;
  std::string backend_;
  const grpc_core::SubchannelInterface* connection_ = nullptr;
  absl::Status status_;
  int bounces_ = 0;
  std::map<std::string, std::string> trailers_;
  StreamRecord* stream_ = nullptr;  // Of the newest attempt.
  bool committed_ = false;
  std::unique_ptr<Policy::SubchannelCallTrackerInterface> tracker_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CALL_H_
