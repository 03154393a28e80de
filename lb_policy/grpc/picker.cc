#include "multi_backend/lb_policy/grpc/picker.h"

#include <string>

#include "multi_backend/lb_policy/grpc/attempt_tracker.h"
#include "multi_backend/proto/call_label.h"

namespace multi_backend {
namespace {

using LbCallState = grpc_core::ClientChannel::LoadBalancedCall::LbCallState;

CallContext* ContextOf(const Picker::PickArgs& args) {
  // Core's ping of a channel picks without a call.
  if (ABSL_PREDICT_FALSE(args.call_state == nullptr)) return nullptr;
  return CallContext::FromAttribute(
      static_cast<LbCallState*>(args.call_state)
          ->GetCallAttribute(CallContext::Type()));
}

}  // namespace

Picker::PickResult Picker::Pick(PickArgs args) {
  CallContext* context = ContextOf(args);
  if (ABSL_PREDICT_FALSE(context == nullptr)) return PickWithoutContext(args);
  CallRecord* record = RecordOf(context);
  const PickRequest request = record->MakeRequest();
  PickPlan::Result result = plan_->Pick(context->label, request);
  if (ABSL_PREDICT_FALSE(result.outcome == PickPlan::Outcome::kExhausted)) {
    result = PickAgain(context->label, record, request);
  }
  if (ABSL_PREDICT_TRUE(result.outcome == PickPlan::Outcome::kPicked)) {
    return Complete(result, record, args);
  }
  return Unserved(result, context->label, record);
}

// A channel whose resolver is not ours: no routes, no record of attempts.
Picker::PickResult Picker::PickWithoutContext(const PickArgs& args) {
  if (args.initial_metadata != nullptr) {
    std::string buffer;
    if (args.initial_metadata->Lookup(kCallLabelKey, &buffer).has_value()) {
      return PickResult::Drop(absl::FailedPreconditionError(
          "multi_backend: the routing interceptor is installed, but this "
          "target's resolver is not ours, so its routes cannot be followed: "
          "make the channel with multi_backend::CreateChannel"));
    }
  }
  const CallLabel label;
  const PickPlan::Result result = plan_->Pick(label, PickRequest());
  if (result.outcome == PickPlan::Outcome::kPicked) {
    return Complete(result, /*record=*/nullptr, args);
  }
  return Unserved(result, label, /*record=*/nullptr);
}

CallRecord* Picker::RecordOf(CallContext* context) {
  CallAttempts* attempts = context->attempts.load(std::memory_order_relaxed);
  if (attempts != nullptr) return static_cast<CallRecord*>(attempts);
  auto* record = context->arena->ManagedNew<CallRecord>(context, state_);
  context->attempts.store(record, std::memory_order_release);
  state_->budget.OnCall(BudgetSeconds());
  return record;
}

// Every usable backend has been tried.  Some calls may go to one again.
PickPlan::Result Picker::PickAgain(const CallLabel& label, CallRecord* record,
                                   PickRequest request) {
  if (record->may_repeat_backends()) {
    request.tried = TriedBackends();
  } else if (record->IsTransparentRetry()) {
    request.tried.Remove(record->last_backend());
  } else {
    return {PickPlan::Outcome::kExhausted, 0, nullptr};
  }
  return plan_->Pick(label, request);
}

Picker::PickResult Picker::Complete(const PickPlan::Result& picked,
                                    CallRecord* record, const PickArgs& args) {
  const SubchannelRef& subchannel = subchannels_[picked.entry];
  if (ABSL_PREDICT_FALSE(!track_attempts_ || args.call_state == nullptr)) {
    return PickResult::Complete(subchannel);
  }
  AttemptTracker::Args tracker_args;
  tracker_args.backend = &plan_->entries()[picked.entry].backend();
  tracker_args.leaf = picked.leaf;
  tracker_args.record = record;
  tracker_args.method = args.path;
  tracker_args.needs_latency = plan_->needs_latency();
  void* memory = args.call_state->Alloc(sizeof(AttemptTracker));
  return PickResult::Complete(
      subchannel, std::unique_ptr<AttemptTracker>(
                      new (memory) AttemptTracker(tracker_args)));
}

Picker::PickResult Picker::Unserved(const PickPlan::Result& result,
                                    const CallLabel& label,
                                    CallRecord* record) {
  switch (result.outcome) {
    case PickPlan::Outcome::kPicked:
      break;
    case PickPlan::Outcome::kWait:
      return PickResult::Queue();
    case PickPlan::Outcome::kExhausted:
      // Dropped, so that a wait_for_ready call ends too.
      record->OnPickFailed();
      return PickResult::Drop(record->last_status());
    case PickPlan::Outcome::kNoBackend:
      if (record != nullptr) record->OnPickFailed();
      return PickResult::Fail(
          absl::UnavailableError(plan_->DescribeFailure(label)));
  }
  GPR_UNREACHABLE_CODE(return PickResult::Queue());
}

}  // namespace multi_backend
