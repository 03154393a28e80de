#include "multi_backend/lb_policy/grpc/picker.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "multi_backend/call/call_label.h"
#include "multi_backend/call/try_timeout_message.h"
#include "multi_backend/lb_policy/connections/sizing.h"
#include "multi_backend/lb_policy/grpc/attempt_tracker.h"
#include "multi_backend/lb_policy/plan/explain.h"

namespace multi_backend {
namespace {

// What the caller sees when every usable backend has been tried.
absl::Status LastStatus(const CallAttempts& call) {
  const absl::Status* status = call.log.last_status();
  if (status != nullptr) return *status;
  return absl::DeadlineExceededError(
      "multi_backend: the attempt ran into failover.perTryTimeout, and no "
      "other backend is usable");
}

size_t LeastLoaded(const Picker::Connections& connections) {
  const auto& ready = connections.ready;
  return LeastLoadedConnection(ready.size(), [&ready](size_t i) {
    return static_cast<uint32_t>(ready[i].load->streams());
  });
}

ConnectionLoad& LoadOf(const Picker::Destination& destination,
                       size_t connection) {
  return destination.connections == nullptr
             ? *destination.load.get()
             : *destination.connections->ready[connection].load.get();
}

bool AllFull(const Picker::Connections& connections) {
  return std::all_of(connections.ready.begin(), connections.ready.end(),
                     [&connections](const Picker::Connections::One& one) {
                       return one.load->streams() >= connections.max_streams;
                     });
}

// Begins a stream on the connection with the fewest, and returns its index.
// Returns nullopt if all are full and the call may wait for another one.
absl::optional<size_t> BeginStream(const Picker::Destination& destination,
                                   bool may_wait) {
  if (destination.connections == nullptr) {
    destination.load->BeginStream();
    return 0;
  }
  const Picker::Connections& connections = *destination.connections;
  while (true) {
    const size_t least = LeastLoaded(connections);
    ConnectionLoad& load = LoadOf(destination, least);
    if (load.TryBeginStream(connections.max_streams)) return least;
    // Another call took this stream, but a connection still has room.
    if (!AllFull(connections)) continue;
    if (may_wait) return absl::nullopt;
    load.BeginStream();
    return least;
  }
}

}  // namespace

Picker::PickResult Picker::Pick(PickArgs args) {
  if (args.call_state == nullptr) return PickForPing();
  CallContext* const context =
      args_->retry_state == nullptr
          ? nullptr
          : args_->retry_state->ContextOf(args.call_state);
  return context != nullptr ? PickWithContext(CallAttempts::Of(*context), args)
                            : PickWithoutContext(args);
}

Picker::PickResult Picker::PickWithContext(CallAttempts& call,
                                           const PickArgs& args) {
  if (!call.OnPick()) return EndAfterTimeout(call);
  const PickPlan& plan = *args_->plan;
  QueuedCallWakeups& wakeups = *args_->retry_policy->wakeups;
  PickRequest request;
  request.has_key = call.context.label.key_hash.has_value();
  request.key_hash = call.context.label.key_hash.value_or(0);
  request.tried = call.log.tried();
  std::vector<uint32_t> in_slow_start;
  if (call.context.record != nullptr) request.in_slow_start = &in_slow_start;
  PickPlan::TurnResult turn;
  absl::optional<size_t> connection;
  while (!connection.has_value()) {
    turn = ChooseBackend(call, request);
    const ConnectionWait wait = ConnectionWaitOf(turn.pick, call);
    if (wait.until != 0) {
      return AwaitConnection(*args_->destinations[turn.pick.entry].connections,
                             call, wait.until);
    }
    connection = TryBegin(turn.pick, wait.allowed);
  }
  if (plan.has_hot_key()) wakeups.mailbox().Raise(PolicyMailbox::kHotKey);
  if (turn.pick.outcome == PickPlan::Outcome::kPicked) {
    return Send(turn.pick, *connection, &call, args, request);
  }
  call.OnNotPicked();
  switch (turn.pick.outcome) {
    case PickPlan::Outcome::kPicked:
      break;
    case PickPlan::Outcome::kInBacklog:
      RecordQueued(call, CallRecord::Place::kBacklog);
      wakeups.OnWaiting(call.ticket.backlog->quiet_until());
      return PickResult::Queue();
    case PickPlan::Outcome::kExhausted:
      if (plan.has_backlogs() &&
          call.ticket.AwaitFreshPlan(args_->retry_policy->clock->NowNanos())) {
        wakeups.OnRepickBy(call.ticket.await_fresh_plan_until);
        RecordQueued(call, CallRecord::Place::kPick);
        return PickResult::Queue();
      }
      return EndWithLastAnswer(call);
    case PickPlan::Outcome::kRefused:
      // A call that has been sent before ends with that attempt's answer,
      // because the refusal says that the call was never sent.
      if (call.log.attempts() > 0) return EndWithLastAnswer(call);
      call.OnPickFailed();
      RecordFailed(call, /*dropped=*/true);
      // Dropped, so that a wait_for_ready call ends too.
      return PickResult::Drop(std::move(turn.refusal));
    case PickPlan::Outcome::kWait:
    case PickPlan::Outcome::kWaitForUntried: {
      const int64_t now = args_->retry_policy->clock->NowNanos();
      const int64_t most =
          args_->retry_policy->failover.max_connect_wait_nanos();
      const int64_t until = turn.pick.outcome == PickPlan::Outcome::kWait
                                ? call.log.ConnectWaitUntil(now, most)
                                : call.log.BoundedConnectWaitUntil(now, most);
      if (until <= now) return EndWithLastAnswer(call);
      if (until != INT64_MAX) wakeups.OnRepickBy(until);
      RecordQueued(call, CallRecord::Place::kPick);
      break;
    }
    case PickPlan::Outcome::kNoBackend:
      call.OnPickFailed();
      RecordFailed(call, /*dropped=*/false);
      break;
  }
  return Unserved(turn.pick.outcome, call.context.label, request);
}

PickPlan::TurnResult Picker::ChooseBackend(CallAttempts& call,
                                           const PickRequest& request) const {
  const PickPlan& plan = *args_->plan;
  PickPlan::TurnResult turn;
  if (plan.has_backlogs()) {
    turn = plan.PickInTurn(call.context.label, request, call.ticket);
  } else {
    turn.pick = plan.Pick(call.context.label, request);
  }
  if (turn.repick) {
    args_->retry_policy->wakeups->mailbox().Raise(PolicyMailbox::kRepick);
  }
  if (turn.pick.outcome == PickPlan::Outcome::kExhausted ||
      turn.pick.outcome == PickPlan::Outcome::kWaitForUntried) {
    turn.pick = RetryTried(call, request, turn.pick);
  }
  return turn;
}

// Dropped, so that a wait_for_ready call ends too.
Picker::PickResult Picker::EndWithLastAnswer(CallAttempts& call) const {
  call.OnPickFailed();
  RecordFailed(call, /*dropped=*/true);
  call.EndWithLastAnswer();
  return PickResult::Drop(LastStatus(call));
}

// Core has made a retry after perTryTimeout that was not granted.
Picker::PickResult Picker::EndAfterTimeout(CallAttempts& call) const {
  call.OnPickFailed();
  RecordFailed(call, /*dropped=*/true);
  return PickResult::Drop(absl::DeadlineExceededError(kTryTimeoutMessage));
}

// The channel's resolver is not the library's, so there are no routes, no log
// of attempts and no backlogs.
Picker::PickResult Picker::PickWithoutContext(const PickArgs& args) {
  std::string buffer;
  const absl::optional<absl::string_view> value =
      args.initial_metadata == nullptr
          ? absl::nullopt
          : args.initial_metadata->Lookup(kCallLabelKey, &buffer);
  const absl::optional<CallLabel> label =
      value.has_value() ? DecodeCallLabel(*value) : CallLabel();
  if (!label.has_value() ||
      (value.has_value() && (label->route_decided || label->key_decided))) {
    // Core lets a pick fail with few codes only (gRFC A54).
    return PickResult::Drop(absl::InternalError(
        "multi_backend: the routing interceptor is installed, but this "
        "target's resolver is not multi_backend's, so its routes cannot be "
        "followed: "
        "make the channel with multi_backend::CreateChannel"));
  }
  PickPlan::Result picked;
  absl::optional<size_t> connection;
  while (!connection.has_value()) {
    picked = args_->plan->Pick(CallLabel(), PickRequest());
    connection = TryBegin(picked, /*may_wait=*/false);
  }
  if (picked.outcome != PickPlan::Outcome::kPicked) {
    return Unserved(picked.outcome, CallLabel(), PickRequest());
  }
  return Send(picked, *connection, /*call=*/nullptr, args, PickRequest());
}

Picker::PickResult Picker::PickForPing() {
  const PickPlan::Result picked = args_->plan->PickForPing();
  if (picked.outcome != PickPlan::Outcome::kPicked) {
    return Unserved(picked.outcome, CallLabel(), PickRequest());
  }
  return PickResult::Complete(args_->destinations[picked.entry].subchannel);
}

// Some calls may go again to a backend that they have tried.
PickPlan::Result Picker::RetryTried(const CallAttempts& call,
                                    PickRequest request,
                                    const PickPlan::Result& otherwise) const {
  if (call.context.has_method_retry_policy) {
    request.tried = TriedBackends();
  } else if (call.log.IsTransparentRetry()) {
    request.tried.Remove(call.log.last_backend());
  } else {
    return otherwise;
  }
  const PickPlan::Result again = args_->plan->Pick(call.context.label, request);
  const bool waits = otherwise.outcome == PickPlan::Outcome::kWaitForUntried &&
                     again.outcome != PickPlan::Outcome::kPicked;
  return waits ? otherwise : again;
}

// If all connections of the backend are full and another one is being opened,
// the call waits for it, for a bounded time.  On a full connection the call
// would wait inside gRPC until another call ends, and could no longer move to a
// different connection.
Picker::ConnectionWait Picker::ConnectionWaitOf(const PickPlan::Result& picked,
                                                CallAttempts& call) const {
  if (picked.outcome != PickPlan::Outcome::kPicked) return {};
  const auto& connections = args_->destinations[picked.entry].connections;
  if (connections == nullptr || !connections->expects_another) return {};
  // A retry may have waited before.  A call with a place in a backlog would
  // hold up those behind it.  A trial that is given back wakes all waiting
  // calls.
  if (call.log.attempts() > 0 || call.ticket.backlog != nullptr ||
      picked.trial != 0) {
    return {};
  }
  if (!AllFull(*connections)) return {/*allowed=*/true};
  const RetryPolicy& policy = *args_->retry_policy;
  const int64_t now = policy.clock->NowNanos();
  const int64_t until = call.log.BoundedConnectWaitUntil(
      now, policy.failover.max_connect_wait_nanos());
  if (until <= now) return {};
  return {/*allowed=*/true, until};
}

Picker::PickResult Picker::AwaitConnection(const Connections& connections,
                                           CallAttempts& call,
                                           int64_t until) const {
  QueuedCallWakeups& wakeups = *args_->retry_policy->wakeups;
  call.OnNotPicked();
  RecordQueued(call, CallRecord::Place::kPick);
  wakeups.OnRepickBy(until);
  for (const Connections::One& one : connections.ready) one.load->AwaitEnd();
  if (connections.may_open_another) {
    wakeups.mailbox().Raise(PolicyMailbox::kGrow);
  }
  // A stream that ended before AwaitEnd() wakes nobody.
  if (!AllFull(connections)) wakeups.mailbox().Raise(PolicyMailbox::kRepick);
  return PickResult::Queue();
}

// Counts the call on its backend, if the pick has found one, and on the
// backend's connection with the fewest streams, whose index it returns.
// Returns nullopt if other calls have meanwhile taken the last place below the
// backend's limit or, if `may_wait`, the last stream; the call then picks
// again.  Returns 0 if the pick has found no backend.
absl::optional<size_t> Picker::TryBegin(const PickPlan::Result& picked,
                                        bool may_wait) const {
  if (picked.outcome != PickPlan::Outcome::kPicked) return 0;
  const Destination& destination = args_->destinations[picked.entry];
  // The stream is taken first, because it may be given back below.  A call that
  // misses a stream meanwhile waits at worst; one that finds the backend at its
  // limit may fail.
  const absl::optional<size_t> connection = BeginStream(destination, may_wait);
  if (!connection.has_value()) return absl::nullopt;
  Backend& backend = *destination.backend;
  if (backend.TryBeginCall()) return connection;
  if (LoadOf(destination, *connection).EndStream()) {
    args_->retry_policy->WakeWaitingCalls();
  }
  if (picked.trial != 0) {
    backend.health.OnCallEnded(AttemptOutcome::kAbandoned, "", picked.trial);
  }
  return absl::nullopt;
}

Picker::PickResult Picker::Send(const PickPlan::Result& picked,
                                size_t connection, CallAttempts* call,
                                const PickArgs& args,
                                const PickRequest& request) const {
  const Destination& destination = args_->destinations[picked.entry];
  const SubchannelRef* subchannel = &destination.subchannel;
  ConnectionLoad& load = LoadOf(destination, connection);
  AttemptTracker::Args tracker_args;
  tracker_args.backend = destination.backend;
  tracker_args.leaf = picked.leaf;
  tracker_args.call = call;
  tracker_args.retry_policy = args_->retry_policy.get();
  tracker_args.needs_latency = args_->plan->needs_latency();
  tracker_args.may_have_ticket = args_->plan->has_backlogs() && call != nullptr;
  tracker_args.trial = picked.trial;
  if (destination.connections != nullptr) {
    const Connections& connections = *destination.connections;
    subchannel = &connections.ready[connection].subchannel;
    // Asks for another connection before the next call needs it.
    if (connections.may_open_another &&
        load.streams() >= connections.max_streams) {
      args_->retry_policy->wakeups->mailbox().Raise(PolicyMailbox::kGrow);
    }
  }
  tracker_args.connection = &load;
  if (call != nullptr && call->context.record != nullptr) {
    tracker_args.record = Record(picked, *call, request, connection);
  }
  void* const memory = args.call_state->Alloc(sizeof(AttemptTracker));
  std::unique_ptr<AttemptTracker> tracker(new (memory)
                                              AttemptTracker(tracker_args));
  tracker->OnPicked();
  return PickResult::Complete(*subchannel, std::move(tracker));
}

AttemptRecord* Picker::Record(const PickPlan::Result& picked,
                              CallAttempts& call, const PickRequest& request,
                              size_t connection) const {
  CallRecord& record = *call.context.record;
  if (record.is_queued()) {
    record.OnPicked(args_->retry_policy->clock->NowNanos());
  }
  const PickPlan& plan = *args_->plan;
  const PlanEntry& entry = plan.entries()[picked.entry];
  AttemptRecord::Choice choice;
  if (args_->labels.empty()) {
    choice.backend = LabelsOf(entry.backend(), *entry.endpoint);
  } else {
    choice.backend = args_->labels[picked.entry];
  }
  choice.connection = static_cast<int>(connection) + 1;
  choice.chosen_by = ExplainChoice(plan, call.context.label, request, picked);
  choice.tried_before = request.tried.Contains(entry.backend().id());
  if (record.WantsPassedOver()) {
    // The plan may be gone when the call ends.
    auto* const passed_over = call.context.arena->ManagedNew<PassedOverList>(
        ExplainPassedOver(plan, call.context.label, request, picked.entry,
                          *request.in_slow_start));
    choice.passed_over = passed_over->list();
  }
  return &record.AddAttempt(std::move(choice));
}

void Picker::RecordQueued(const CallAttempts& call,
                          CallRecord::Place place) const {
  if (call.context.record == nullptr) return;
  call.context.record->OnQueued(place, args_->retry_policy->clock->NowNanos());
}

void Picker::RecordFailed(const CallAttempts& call, bool dropped) const {
  CallRecord* const record = call.context.record;
  if (record == nullptr) return;
  const int64_t now = args_->retry_policy->clock->NowNanos();
  dropped ? record->OnDropped(now) : record->OnPickFailed(now);
}

// No backend can take the call now.  It may wait in core's queue (a call with
// wait_for_ready does even when its pick fails) for a backend, or for what a
// call that ends leaves free.
Picker::PickResult Picker::Unserved(PickPlan::Outcome outcome,
                                    const CallLabel& label,
                                    const PickRequest& request) const {
  QueuedCallWakeups& wakeups = *args_->retry_policy->wakeups;
  wakeups.OnQueued();
  // A backend that became free before OnQueued() has not been told to say so.
  if (args_->plan->HasBackend(label, request)) {
    wakeups.mailbox().Raise(PolicyMailbox::kRepick);
  }
  if (outcome != PickPlan::Outcome::kNoBackend) return PickResult::Queue();
  return PickResult::Fail(
      absl::UnavailableError(args_->plan->DescribeFailure(label)));
}

}  // namespace multi_backend
