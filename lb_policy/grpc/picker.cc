#include "multi_backend/lb_policy/grpc/picker.h"

#include <string>

#include "multi_backend/lb_policy/grpc/attempt_tracker.h"
#include "multi_backend/proto/call_label.h"

namespace multi_backend {
namespace {

using LbCallState = grpc_core::ClientChannel::LoadBalancedCall::LbCallState;

// What the caller sees when every usable backend has been tried.
absl::Status LastStatus(const CallContext& context) {
  const absl::Status* status = context.log.last_status();
  if (status != nullptr) return *status;
  return absl::DeadlineExceededError(
      "multi_backend: the attempt ran into perTryTimeout, and no other backend "
      "is usable");
}

}  // namespace

ABSL_ATTRIBUTE_ALWAYS_INLINE inline Picker::PickResult Picker::Complete(
    uint32_t entry, const BalancerNode& leaf, CallContext* context,
    const PickArgs& args) {
  const Target& target = targets_[entry];
  if (ABSL_PREDICT_FALSE(!Tracks(args))) {
    return PickResult::Complete(target.subchannel);
  }
  // Its count is touched last; with thousands of them it is far away.
  __builtin_prefetch(target.subchannel.get(), /*rw=*/1);
  PrefetchUpcoming(leaf);
  AttemptTracker::Args tracker_args;
  tracker_args.backend = target.backend;
  tracker_args.leaf = &leaf;
  tracker_args.context = context;
  tracker_args.state = args_.state.get();
  tracker_args.needs_latency = needs_latency_;
  static_assert(sizeof(AttemptTracker) <= CallContext::kTrackerRoom,
                "the first attempt's tracker lives in the context");
  void* memory = context != nullptr && context->log.attempts() == 0
                     ? context->tracker_room
                     : args.call_state->Alloc(sizeof(AttemptTracker));
  return PickResult::Complete(target.subchannel,
                              std::unique_ptr<AttemptTracker>(
                                  new (memory) AttemptTracker(tracker_args)));
}

// An interceptor exists before its channel does, so a channel whose calls may
// carry labels finds them in use.
Picker::Picker(Args args)
    : args_(std::move(args)),
      marked_(args_.marked.get()),
      targets_(args_.targets.data()),
      root_(&args_.plan->root()),
      rotation_(args_.has_context || CallLabelsInUse() ? nullptr
                                                       : root_->rotation()),
      has_context_(args_.has_context),
      track_attempts_(args_.track_attempts),
      needs_latency_(args_.plan->needs_latency()),
      check_labels_(!args_.has_context && CallLabelsInUse()) {}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline Picker::PickResult Picker::PickWithContext(
    CallContext* context, const PickArgs& args) {
  __builtin_prefetch(context->tracker_room, /*rw=*/1);
  __builtin_prefetch(context->tracker_room + sizeof(AttemptTracker) - 1,
                     /*rw=*/1);
  PickRequest request;
  request.has_key = context->label.key_hash.has_value();
  request.key_hash = context->label.key_hash.value_or(0);
  if (ABSL_PREDICT_FALSE(context->log.attempts() > 0)) {
    request.tried = context->log.tried();
  } else {
    request.all_usable = NoneMarked();
  }
  PickPlan::Result result = args_.plan->Pick(context->label, request);
  if (ABSL_PREDICT_FALSE(result.outcome == PickPlan::Outcome::kExhausted)) {
    result = PickAgain(*context, request);
  }
  if (ABSL_PREDICT_TRUE(result.outcome == PickPlan::Outcome::kPicked)) {
    return Complete(result.entry, *result.leaf, context, args);
  }
  return Unserved(result, context->label, context);
}

Picker::PickResult Picker::Pick(PickArgs args) {
  if (rotation_ != nullptr && ABSL_PREDICT_TRUE(NoneMarked())) {
    const auto entry = static_cast<uint32_t>(rotation_->Rotate());
    if (Tracks(args)) return CompleteTracked(entry, args);
    return PickResult::Complete(targets_[entry].subchannel);
  }
  return PickInFull(args);
}

// Not inline, so that Pick() stays small for those that are not tracked.
ABSL_ATTRIBUTE_NOINLINE Picker::PickResult Picker::CompleteTracked(
    uint32_t entry, const PickArgs& args) {
  return Complete(entry, *root_, /*context=*/nullptr, args);
}

Picker::PickResult Picker::PickInFull(const PickArgs& args) {
  CallContext* context = nullptr;
  // Core's ping of a channel picks without a call.
  if (has_context_ && args.call_state != nullptr) {
    context =
        CallContext::FromAttribute(static_cast<LbCallState*>(args.call_state)
                                       ->GetCallAttribute(context_type_));
  }
  if (ABSL_PREDICT_FALSE(context == nullptr)) return PickWithoutContext(args);
  return PickWithContext(context, args);
}

// A channel whose resolver is not ours: no routes, no log of attempts.
Picker::PickResult Picker::PickWithoutContext(const PickArgs& args) {
  if (check_labels_ && args.initial_metadata != nullptr) {
    std::string buffer;
    if (args.initial_metadata->Lookup(kCallLabelKey, &buffer).has_value()) {
      // Core lets a pick fail with few codes only (gRFC A54).
      return PickResult::Drop(absl::InternalError(
          "multi_backend: the routing interceptor is installed, but this "
          "target's resolver is not ours, so its routes cannot be followed: "
          "make the channel with multi_backend::CreateChannel"));
    }
  }
  PickRequest request;
  request.all_usable = NoneMarked();
  const PickPlan::Result result = args_.plan->PickDefault(request);
  if (ABSL_PREDICT_TRUE(result.outcome == PickPlan::Outcome::kPicked)) {
    return Complete(result.entry, *result.leaf, /*context=*/nullptr, args);
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
