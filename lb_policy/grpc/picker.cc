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

// What the caller sees when every usable backend has been tried.
absl::Status LastStatus(const CallContext& context) {
  const absl::Status* status = context.log.last_status();
  if (status != nullptr) return *status;
  return absl::DeadlineExceededError(
      "multi_backend: the attempt ran into perTryTimeout, and no other backend "
      "is usable");
}

}  // namespace

Picker::PickResult Picker::Pick(PickArgs args) {
  CallContext* context = args_.has_context ? ContextOf(args) : nullptr;
  if (context == nullptr) return PickWithoutContext(args);
  PickRequest request;
  request.has_key = context->label.key_hash.has_value();
  request.key_hash = context->label.key_hash.value_or(0);
  if (ABSL_PREDICT_FALSE(context->log.attempts() > 0)) {
    request.tried = context->log.tried();
  } else {
    request.all_usable = NoneMarked();
    if (context->log.CountOnce()) args_.state->budget.OnCall(BudgetSeconds);
  }
  PickPlan::Result result = args_.plan->Pick(context->label, request);
  if (ABSL_PREDICT_FALSE(result.outcome == PickPlan::Outcome::kExhausted)) {
    result = PickAgain(*context, request);
  }
  if (ABSL_PREDICT_TRUE(result.outcome == PickPlan::Outcome::kPicked)) {
    return Complete(result, context, args);
  }
  return Unserved(result, context->label, context);
}

// A channel whose resolver is not ours: no routes, no log of attempts.
Picker::PickResult Picker::PickWithoutContext(const PickArgs& args) {
  if (ABSL_PREDICT_FALSE(CallLabelsInUse()) &&
      args.initial_metadata != nullptr) {
    std::string buffer;
    if (args.initial_metadata->Lookup(kCallLabelKey, &buffer).has_value()) {
      return PickResult::Drop(absl::FailedPreconditionError(
          "multi_backend: the routing interceptor is installed, but this "
          "target's resolver is not ours, so its routes cannot be followed: "
          "make the channel with multi_backend::CreateChannel"));
    }
  }
  PickRequest request;
  request.all_usable = NoneMarked();
  const PickPlan::Result result = args_.plan->PickDefault(request);
  if (ABSL_PREDICT_TRUE(result.outcome == PickPlan::Outcome::kPicked)) {
    return Complete(result, /*context=*/nullptr, args);
  }
  return Unserved(result, CallLabel(), /*context=*/nullptr);
}

// Every usable backend has been tried.  Some calls may go to one again.
PickPlan::Result Picker::PickAgain(const CallContext& context,
                                   PickRequest request) {
  if (context.own_retry_policy) {
    request.tried = TriedBackends();
  } else if (context.log.IsTransparentRetry()) {
    request.tried.Remove(context.log.last_backend());
  } else {
    return {PickPlan::Outcome::kExhausted, 0, nullptr};
  }
  return args_.plan->Pick(context.label, request);
}

Picker::PickResult Picker::Complete(const PickPlan::Result& picked,
                                    CallContext* context,
                                    const PickArgs& args) {
  const Target& target = args_.targets[picked.entry];
  if (ABSL_PREDICT_FALSE(!args_.track_attempts || args.call_state == nullptr)) {
    return PickResult::Complete(target.subchannel);
  }
  AttemptTracker::Args tracker_args;
  tracker_args.backend = target.backend;
  tracker_args.leaf = picked.leaf;
  tracker_args.context = context;
  tracker_args.method = args.path;
  tracker_args.needs_latency = args_.plan->needs_latency();
  void* memory = args.call_state->Alloc(sizeof(AttemptTracker));
  return PickResult::Complete(target.subchannel,
                              std::unique_ptr<AttemptTracker>(
                                  new (memory) AttemptTracker(tracker_args)));
}

Picker::PickResult Picker::Unserved(const PickPlan::Result& result,
                                    const CallLabel& label,
                                    CallContext* context) {
  switch (result.outcome) {
    case PickPlan::Outcome::kPicked:
      break;
    case PickPlan::Outcome::kWait:
      return PickResult::Queue();
    case PickPlan::Outcome::kExhausted:
      // Dropped, so that a wait_for_ready call ends too.
      context->log.OnPickFailed();
      return PickResult::Drop(LastStatus(*context));
    case PickPlan::Outcome::kNoBackend:
      if (context != nullptr) context->log.OnPickFailed();
      return PickResult::Fail(
          absl::UnavailableError(args_.plan->DescribeFailure(label)));
  }
  GPR_UNREACHABLE_CODE(return PickResult::Queue());
}

}  // namespace multi_backend
