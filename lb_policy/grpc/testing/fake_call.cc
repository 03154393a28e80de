#include "multi_backend/lb_policy/grpc/testing/fake_call.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/call/try_timeout_message.h"
#include "multi_backend/lb_policy/grpc/testing/fake_subchannel.h"

namespace multi_backend {

class FakeCall::CallState final : public Policy::CallState {
 public:
  CallState(grpc_core::Arena* arena, CallContext* context)
      : arena_(arena), context_(context) {}
  void* Alloc(size_t size) override { return arena_->Alloc(size); }
  CallContext* context() const { return context_; }

  static CallContext* ContextIn(Policy::CallState* call) {
    return static_cast<CallState*>(call)->context_;
  }

 private:
  grpc_core::Arena* const arena_;
  CallContext* const context_;
};

CallContext* FakeRetryState::ContextOf(
    grpc_core::LoadBalancingPolicy::CallState* call) const {
  return call == nullptr ? nullptr : FakeCall::ContextIn(call);
}

CallContext* FakeCall::ContextIn(Policy::CallState* call) {
  return CallState::ContextIn(call);
}

FakeCall::FakeCall(const FakeCallOptions& options,
                   ChannelRetryState* retry_state)
    : options_(options),
      context_(retry_state == nullptr ? nullptr
                                      : arena_.get()->New<CallContext>(
                                            arena_.get(), retry_state)) {
  if (context_ == nullptr) return;
  context_->label = options_.label;
  context_->method = options_.path;
  context_->has_method_retry_policy = options_.has_method_retry_policy;
}

FakeCall::~FakeCall() {
  End();
  // A pick that was dropped has not replaced the tracker of the attempt before.
  tracker_ = nullptr;
}

bool FakeCall::PickFrom(Policy::SubchannelPicker* picker) {
  core::FakeMetadata metadata({});
  CallState call_state(arena_.get(), context_);
  Policy::PickArgs args;
  args.path = options_.path;
  args.initial_metadata = metadata.view();
  args.call_state = &call_state;
  Policy::PickResult result = picker->Pick(args);
  using PickResult = Policy::PickResult;
  if (auto* complete = absl::get_if<PickResult::Complete>(&result.result)) {
    return Complete(complete);
  }
  if (auto* fail = absl::get_if<PickResult::Fail>(&result.result)) {
    if (!options_.wait_for_ready) {
      return Fail(State::kFailed, std::move(fail->status));
    }
  }
  if (auto* drop = absl::get_if<PickResult::Drop>(&result.result)) {
    return Fail(State::kDropped, std::move(drop->status));
  }
  state_ = State::kQueued;
  return false;
}

bool FakeCall::Complete(Policy::PickResult::Complete* complete) {
  auto* subchannel = static_cast<FakeSubchannel*>(complete->subchannel.get());
  if (subchannel == nullptr) {
    ADD_FAILURE() << "a pick was completed without a subchannel";
    return Fail(State::kFailed, absl::InternalError("no subchannel"));
  }
  if (subchannel->state() != GRPC_CHANNEL_READY) {
    ++bounces_;
    complete->subchannel_call_tracker.reset();
    state_ = State::kQueued;
    return false;
  }
  state_ = State::kSent;
  backend_ = subchannel->address();
  connection_ = subchannel;
  tracker_ = std::move(complete->subchannel_call_tracker);
  if (tracker_ != nullptr) core::StartTracker(*tracker_);
  if (options_.commits_early) Commit();
  stream_ = nullptr;
  if (options_.waits_for_stream) return true;
  // The stream filter.
  AttemptPart* const attempt =
      context_ == nullptr ? nullptr : context_->attempt.load();
  stream_ = attempt == nullptr ? nullptr : attempt->OnSent();
  return true;
}

void FakeCall::Commit() {
  if (context_ == nullptr || std::exchange(committed_, true)) return;
  context_->OnCommitted();
}

bool FakeCall::Fail(State state, absl::Status status) {
  if (status.ok()) ADD_FAILURE() << "a pick failed with an OK status";
  state_ = state;
  status_ = std::move(status);
  return true;
}

std::string FakeCall::Outcome() const {
  switch (state_) {
    case State::kNew:
      return "new";
    case State::kQueued:
      return "queued";
    case State::kSent:
      return backend_;
    case State::kFailed:
      return status_.ToString();
    case State::kDropped:
      return absl::StrCat("dropped: ", status_.ToString());
    case State::kEnded:
      return "ended";
  }
  return "";
}

void FakeCall::Finish(const absl::Status& status,
                      std::map<std::string, std::string> trailers) {
  if (state_ != State::kSent) {
    ADD_FAILURE() << "an attempt ends that is not on its way: " << Outcome();
    return;
  }
  state_ = State::kEnded;
  if (tracker_ == nullptr) return;
  core::FakeMetadata metadata(std::move(trailers));
  if (options_.waits_for_stream) metadata.SetNeverWritten();
  Policy::SubchannelCallTrackerInterface::FinishArgs args;
  args.status = status;
  args.trailing_metadata = metadata.view();
  args.backend_metric_accessor = nullptr;
  tracker_->Finish(std::move(args));
  trailers_ = metadata.entries();
  tracker_ = nullptr;
}

void FakeCall::FinishByServer(const absl::Status& status) {
  StreamReport& report = stream_->report;
  report.watched = true;
  report.sent = true;
  report.from_server = true;
  report.ended_with = status.code();
  Finish(status,
         {{"grpc-status", absl::StrCat(static_cast<int>(status.code()))},
          {"grpc-message", std::string(status.message())}});
}

bool FakeCall::AllowsRetry() {
  return context_ != nullptr &&
         context_->OnAsked(context_->retry_switch().Take());
}

void FakeCall::FinishUnseen(StreamReport::Reached reached) {
  if (stream_ != nullptr) stream_->report.reached = reached;
  Finish(absl::UnavailableError("refused"));
}

void FakeCall::FinishUnwrittenAtTimeout() {
  StreamReport& report = stream_->report;
  report.watched = true;
  report.cancelled = true;
  report.timed_out = true;
  report.reached = StreamReport::Reached::kNotWritten;
  Finish(absl::CancelledError(kCoreTryTimeoutMessage));
}

void FakeCall::End() {
  if (state_ == State::kSent) Finish(absl::CancelledError("call cancelled"));
  Commit();
  state_ = State::kEnded;
}

}  // namespace multi_backend
