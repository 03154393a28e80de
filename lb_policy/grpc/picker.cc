#include "multi_backend/lb_policy/grpc/picker.h"

#include <string>

#include "multi_backend/call/call_label.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/connections/sizing.h"
#include "multi_backend/lb_policy/grpc/attempt_tracker.h"

namespace multi_backend {
namespace {

// What the caller sees when every usable backend has been tried.
absl::Status LastStatus(const CallAttempts& call) {
  const absl::Status* status = call.log.last_status();
  if (status != nullptr) return *status;
  return absl::DeadlineExceededError(
      "multi_backend: the attempt ran into perTryTimeout, and no other backend "
      "is usable");
}

}  // namespace

ABSL_ATTRIBUTE_ALWAYS_INLINE inline Picker::PickResult Picker::Complete(
    uint32_t entry, const BalancerNode& leaf, CallAttempts* call,
    const PickArgs& args, uint16_t trial) {
  const SubchannelRef* subchannel = &subchannels_[entry];
  if (ABSL_PREDICT_FALSE(!Tracks(args))) {
    return PickResult::Complete(*subchannel);
  }
  // Its count is touched last; with thousands of them it is far away.
  PrefetchCount(subchannel->get());
  // For the tracker's Start(), which follows.
  __builtin_prefetch(&backends_[entry]);
  PrefetchUpcoming(leaf);
  AttemptTracker::Args tracker_args;
  tracker_args.backend = &backends_[entry];
  tracker_args.leaf = &leaf;
  tracker_args.call = call;
  tracker_args.state = args_.state.get();
  tracker_args.needs_latency = needs_latency_;
  tracker_args.in_turn = has_backlogs_ && call != nullptr;
  tracker_args.trial = trial;
  if (ABSL_PREDICT_FALSE(has_connections_)) {
    const Connections::One* one = LeastLoaded(*args_.connections[entry]);
    subchannel = &one->subchannel;
    tracker_args.connection = one->load;
  }
  void* const memory = args.call_state->Alloc(sizeof(AttemptTracker));
  return PickResult::Complete(*subchannel,
                              std::unique_ptr<AttemptTracker>(
                                  new (memory) AttemptTracker(tracker_args)));
}

const Picker::Connections::One* Picker::LeastLoaded(
    const Connections& connections) const {
  const auto& ready = connections.ready;
  const size_t best = LeastLoadedConnection(ready.size(), [&ready](size_t i) {
    return static_cast<uint32_t>(ready[i].load->streams());
  });
  // With this one: the next call is to find another connection.
  if (ready[best].load->streams() + 1 >= connections.full_at) {
    args_.state->waiting->signal().Raise(PolicySignal::kGrow);
  }
  return &ready[best];
}

// Some of its calls are not for everybody: the trial of a backend that comes
// back, and those of one in slow start.
ABSL_ATTRIBUTE_NOINLINE Picker::PickResult Picker::CompleteGated(
    PickPlan::Result result, PickRequest request, CallAttempts* call,
    const PickArgs& args) {
  static const CallLabel* const kNoLabel = new CallLabel();
  const CallLabel& label = call == nullptr ? *kNoLabel : call->context.label;
  const PickPlan::Result first = result;
  request.all_usable = false;
  while (result.outcome == PickPlan::Outcome::kPicked) {
    Backend& backend = *backends_[result.entry];
    const uint32_t gate = backend.load.gate.load(std::memory_order_acquire);
    if ((gate & kTrialOpen) != 0) {
      const uint16_t trial = backend.health.TryBeginTrial();
      if (trial != 0) {
        return Complete(result.entry, *result.leaf, call, args, trial);
      }
      // Somebody else's call is the trial: it is not usable any more.
    } else if ((gate & kRamping) == 0 ||
               backend.health.RampAdmits(random_.Fraction(),
                                         args_.state->clock->NowNanos())) {
      return Complete(result.entry, *result.leaf, call, args);
    }
    request.tried.Add(backend.id());
    result = args_.plan->Pick(label, request);
  }
  // Nobody else can take it.
  return Complete(first.entry, *first.leaf, call, args);
}

// An interceptor exists before its channel does, so a channel whose calls may
// carry labels finds them in use.
Picker::Picker(std::shared_ptr<const Args> args)
    : shared_(std::move(args)),
      args_(*shared_),
      marked_(args_.flagged.get()),
      subchannels_(args_.subchannels.data()),
      backends_(args_.backends.data()),
      root_(&args_.plan->root()),
      rotation_(args_.gate != nullptr || CallLabelsInUse() ? nullptr
                                                           : root_->rotation()),
      gate_(args_.gate.get()),
      has_backlogs_(args_.plan->has_backlogs()),
      has_connections_(!args_.connections.empty()),
      needs_latency_(args_.plan->needs_latency()),
      check_labels_(args_.gate == nullptr && CallLabelsInUse()),
      random_(static_cast<uint64_t>(args_.state->clock->NowNanos())) {}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline Picker::PickResult Picker::PickWithContext(
    CallAttempts* call, const PickArgs& args) {
  PickRequest request;
  request.has_key = call->context.label.key_hash.has_value();
  request.key_hash = call->context.label.key_hash.value_or(0);
  if (ABSL_PREDICT_FALSE(call->log.attempts() > 0)) {
    request.tried = call->log.tried();
  } else {
    request.all_usable = NoneMarked();
  }
  if (ABSL_PREDICT_FALSE(has_backlogs_)) {
    return PickInTurn(call, request, args);
  }
  const PickPlan::Result result =
      args_.plan->Pick(call->context.label, request);
  if (ABSL_PREDICT_TRUE(result.outcome == PickPlan::Outcome::kPicked &&
                        request.all_usable)) {
    return Complete(result.entry, *result.leaf, call, args);
  }
  return CompleteRare(result, request, call, args);
}

// Not inline, so that the common result stays in registers.
ABSL_ATTRIBUTE_NOINLINE Picker::PickResult Picker::CompleteRare(
    PickPlan::Result result, const PickRequest& request, CallAttempts* call,
    const PickArgs& args) {
  if (result.outcome == PickPlan::Outcome::kExhausted) {
    result = PickAgain(*call, request);
  }
  if (result.outcome == PickPlan::Outcome::kPicked) {
    return CompleteGated(result, request, call, args);
  }
  return Unserved(result, call->context.label, request, call);
}

// With backlogs: a call goes when it is its turn.
Picker::PickResult Picker::PickInTurn(CallAttempts* call,
                                      const PickRequest& request,
                                      const PickArgs& args) {
  PickPlan::TurnResult turn =
      args_.plan->PickInTurn(call->context.label, request, call->place);
  if (turn.repick) args_.state->waiting->signal().Raise(PolicySignal::kRepick);
  PickPlan::Result& result = turn.pick;
  if (result.outcome == PickPlan::Outcome::kExhausted) {
    result = PickAgain(*call, request);
  }
  switch (result.outcome) {
    case PickPlan::Outcome::kPicked:
      return CompleteGated(result, request, call, args);
    case PickPlan::Outcome::kInBacklog:
      args_.state->waiting->OnWaiting(call->place.backlog->quiet_until());
      return PickResult::Queue();
    case PickPlan::Outcome::kExhausted:
      if (call->place.LookAgain(args_.state->clock->NowNanos())) {
        args_.state->waiting->OnLookAgain(call->place.look_until);
        return PickResult::Queue();
      }
      return Unserved(result, call->context.label, request, call);
    case PickPlan::Outcome::kRefused:
      call->log.OnPickFailed();
      // Dropped, so that a wait_for_ready call ends too.  One that has been
      // sent before ends as that did: it is not true that it was never sent.
      return PickResult::Drop(call->log.attempts() > 0
                                  ? LastStatus(*call)
                                  : std::move(turn.refusal));
    default:
      return Unserved(result, call->context.label, request, call);
  }
}

Picker::PickResult Picker::Pick(PickArgs args) {
  if (rotation_ != nullptr && ABSL_PREDICT_TRUE(NoneMarked())) {
    const auto entry = static_cast<uint32_t>(rotation_->Rotate());
    if (Tracks(args)) return CompleteTracked(entry, args);
    return PickResult::Complete(subchannels_[entry]);
  }
  return PickInFull(args);
}

// Not inline, so that Pick() stays small for those that are not tracked.
ABSL_ATTRIBUTE_NOINLINE Picker::PickResult Picker::CompleteTracked(
    uint32_t entry, const PickArgs& args) {
  return Complete(entry, *root_, /*call=*/nullptr, args);
}

Picker::PickResult Picker::PickInFull(const PickArgs& args) {
  CallContext* const context =
      gate_ == nullptr ? nullptr : gate_->ContextOf(args.call_state);
  if (context == nullptr) return PickWithoutContext(args);
  return PickWithContext(&CallAttempts::Of(*context), args);
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
    if (ABSL_PREDICT_FALSE(!request.all_usable)) {
      return CompleteGated(result, request, /*call=*/nullptr, args);
    }
    return Complete(result.entry, *result.leaf, /*call=*/nullptr, args);
  }
  return Unserved(result, CallLabel(), request, /*call=*/nullptr);
}

// Every usable backend has been tried.  Some calls may go to one again.
PickPlan::Result Picker::PickAgain(const CallAttempts& call,
                                   PickRequest request) {
  if (call.context.own_retry_policy) {
    request.tried = TriedBackends();
  } else if (call.log.IsTransparentRetry()) {
    request.tried.Remove(call.log.last_backend());
  } else {
    return {PickPlan::Outcome::kExhausted, 0, nullptr};
  }
  return args_.plan->Pick(call.context.label, request);
}

// The call may wait in core's queue (one with wait_for_ready does) for what a
// call that ends leaves free.
void Picker::AwaitRoom(const CallLabel& label, const PickRequest& request) {
  WaitingNotice& waiting = *args_.state->waiting;
  waiting.OnQueued();
  // Freed before that was known.
  if (args_.plan->HasBackend(label, request)) {
    waiting.signal().Raise(PolicySignal::kRepick);
  }
}

Picker::PickResult Picker::Unserved(const PickPlan::Result& result,
                                    const CallLabel& label,
                                    const PickRequest& request,
                                    CallAttempts* call) {
  switch (result.outcome) {
    case PickPlan::Outcome::kPicked:
    case PickPlan::Outcome::kInBacklog:
    case PickPlan::Outcome::kRefused:
      break;
    case PickPlan::Outcome::kWait:
      AwaitRoom(label, request);
      return PickResult::Queue();
    case PickPlan::Outcome::kExhausted:
      // Dropped, so that a wait_for_ready call ends too.
      call->log.OnPickFailed();
      return PickResult::Drop(LastStatus(*call));
    case PickPlan::Outcome::kNoBackend:
      if (call != nullptr) call->log.OnPickFailed();
      AwaitRoom(label, request);
      return PickResult::Fail(
          absl::UnavailableError(args_.plan->DescribeFailure(label)));
  }
  GPR_UNREACHABLE_CODE(return PickResult::Queue());
}

}  // namespace multi_backend
