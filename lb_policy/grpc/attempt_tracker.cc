#include "multi_backend/lb_policy/grpc/attempt_tracker.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/try_timeout_message.h"
#include "multi_backend/lb_policy/failover/error_class.h"
#include "multi_backend/lb_policy/failover/pushback.h"
#include "multi_backend/lb_policy/failover/retry_classifier.h"
#include "multi_backend/lb_policy/strategies/peak_ewma/peak_ewma.h"
#include "multi_backend/port/core_time.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kPushbackKey = "grpc-retry-pushback-ms";
constexpr absl::string_view kStatusKey = "grpc-status";
constexpr absl::string_view kMessageKey = "grpc-message";
constexpr absl::string_view kDetailsKey = "grpc-status-details-bin";
constexpr absl::string_view kDroppedMessage =
    "the backend has dropped the call, probably because it is shutting down";

// Mends the trailers of a server that ended the call without a status or with
// one that gRPC does not have.  Core's retry filter reads them after the
// tracker: it ends the process when it finds no status, and shifts by a status
// of any size.  Core keeps the added texts without a copy.
void MendStatus(core::Trailers trailers) {
  if (!trailers.has_value()) return;
  std::string buffer;
  const auto status = trailers.Lookup(kStatusKey, &buffer);
  int code = 0;
  if (status.has_value() && absl::SimpleAtoi(*status, &code) && code >= 0 &&
      code <= static_cast<int>(absl::StatusCode::kUnauthenticated)) {
    return;
  }
  const bool missing = !status.has_value();
  // UNKNOWN, as absl::Status has it.
  trailers.Set(kStatusKey, "2");
  if (!missing || trailers.Lookup(kMessageKey, &buffer)) return;
  trailers.Set(kMessageKey, "the backend ended the call without a grpc-status");
}

// See kLeastPushback.
void LengthenPushback(core::Trailers trailers) {
  std::string buffer;
  if (IsPushbackOfZero(trailers.Lookup(kPushbackKey, &buffer))) {
    trailers.Set(kPushbackKey, kLeastPushback);
  }
}

AttemptOutcome OutcomeOf(ErrorClass error, absl::StatusCode code) {
  switch (error) {
    case ErrorClass::kNone:
      return AttemptOutcome::kAnswered;
    case ErrorClass::kTransient:
      return AttemptOutcome::kFailed;
    case ErrorClass::kTimeout:
      return AttemptOutcome::kTimedOut;
    case ErrorClass::kApplication:
      return code == absl::StatusCode::kResourceExhausted
                 ? AttemptOutcome::kOverloaded
                 : AttemptOutcome::kAnswered;
    case ErrorClass::kCallerGaveUp:
    case ErrorClass::kClientFault:
      return AttemptOutcome::kAbandoned;
  }
  return AttemptOutcome::kAbandoned;
}

}  // namespace

AttemptTracker::~AttemptTracker() {
  if (phase_ == Phase::kPicked) Bounce();
  if (phase_ == Phase::kSent) Abandon();
}

void AttemptTracker::OnPicked() {
  phase_ = Phase::kPicked;
  load_path_ = leaf_->load_path();
  if (load_path_ != nullptr) {
    for (const auto& load : *load_path_) {
      load->in_flight.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (needs_latency_) {
    start_nanos_ = clock_->NowNanos();
    ewma_decay_nanos_ = absl::ToInt64Nanoseconds(leaf_->ewma_decay());
  }
  if (call_ == nullptr) return;
  if (!std::exchange(call_->in_budget, true)) {
    retry_policy_->budget.OnCall(CoreMillis);
  }
  if (retry_policy_->failover.per_try_timeout().has_value()) {
    retries_after_timeout_ = retry_policy_->failover.max_retries();
  }
  call_->context.attempt.store(this, std::memory_order_release);
  // The call must not hold up the backlog while it waits inside core.
  if (core::kPickedCallsMayWait && call_->ticket.Leave(/*sent=*/true)) {
    call_->WakeWaitingCalls();
  }
}

// Core dropped the pick because its connection was lost.  The call goes back to
// its place in the backlog.
void AttemptTracker::Bounce() {
  if (call_ != nullptr) call_->OnNotPicked();
  if (trial_ != 0) {
    backend_->health.OnCallEnded(AttemptOutcome::kAbandoned, "", trial_);
  }
  if (may_have_ticket_) ReturnToBacklog();
  End();
}

void AttemptTracker::ReturnToBacklog() {
  BacklogTicket& ticket = call_->ticket;
  if (ticket.backlog == nullptr || ticket.waiting) return;
  ticket.waiting = ticket.backlog->Join(ticket.number, clock_->NowNanos()) ==
                   Backlog::Turn::kWait;
  const std::shared_ptr<RetryPolicy> policy = RetryPolicy::Of(call_->context);
  if (ticket.waiting && policy != nullptr) {
    policy->wakeups->OnWaiting(ticket.backlog->quiet_until());
  }
}

void AttemptTracker::Abandon() {
  backend_->health.OnCallEnded(AttemptOutcome::kAbandoned, "", trial_);
  if (record_ != nullptr) {
    AttemptEnd end;
    end.code = absl::StatusCode::kCancelled;
    end.caller_gave_up = true;
    Record(end);
  }
  End();
}

StreamRecord* AttemptTracker::OnSent() {
  phase_ = Phase::kSent;
  backend_->calls.fetch_add(1, std::memory_order_relaxed);
  const bool is_replay = call_->log.IsTransparentRetry();
  attempt_ = call_->OnSent(backend_->id(), retries_after_timeout_);
  stream_ = call_->context.arena->New<StreamRecord>();
  if (record_ != nullptr) {
    call_->context.record->OnAttemptStarted(*record_, &stream_->report,
                                            is_replay, clock_->NowNanos());
  }
  if (attempt_ > 1) {
    backend_->retries_landed.fetch_add(1, std::memory_order_relaxed);
  }
  return stream_;
}

void AttemptTracker::Finish(FinishArgs args) {
  if (phase_ == Phase::kPicked) {
    // Core could not make the stream, or the attempt waited inside core and
    // never got one; or the call has no context, and the stream filter did not
    // know of it.
    if (call_ != nullptr) {
      OnSent();
      if (core::Trailers(args).NeverWritten()) {
        stream_->report.reached = StreamReport::Reached::kNotWritten;
      }
    } else {
      backend_->calls.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (args.status.ok()) {
    if (needs_latency_) ObserveLatencies(/*failed=*/false);
    connection_->OnAnswered();
    backend_->OnAnswered(trial_);
    OnSucceeded();
    if (record_ != nullptr) Record(AttemptEnd());
  } else {
    if (GaveUpUnheard()) {
      stream_->report.ended_with = absl::StatusCode::kCancelled;
      stream_->report.cancelled = true;
      args.status = absl::CancelledError(kCoreTryTimeoutMessage);
    }
    const bool dropped = IsDropped(args);
    if (dropped) ReportUnavailable(args);
    MendStatus(core::Trailers(args));
    OnFailed(args, dropped);
  }
  End();
}

// An attempt that ran into perTryTimeout before anybody asked for its end, as
// the synchronous API does for a stream.  Core then says only that the call was
// cancelled.
bool AttemptTracker::GaveUpUnheard() const {
  if (call_ == nullptr || !stream_->report.watched ||
      stream_->report.ended_with.has_value()) {
    return false;
  }
  // Core 1.83 does not ask before it gives the attempt up.
  return call_->log.HasTimedOut(attempt_) || stream_->report.timed_out;
}

bool AttemptTracker::IsDropped(const FinishArgs& args) const {
  if (stream_ == nullptr ||
      !IsDroppedAtShutdown(args.status.code(), args.status.message(),
                           stream_->report)) {
    return false;
  }
  std::string buffer;
  const core::Trailers trailers(args);
  return trailers.has_value() && !trailers.Lookup(kDetailsKey, &buffer);
}

// Nobody has cancelled the call, so the retry filter and the caller see
// UNAVAILABLE in place of CANCELLED.
void AttemptTracker::ReportUnavailable(FinishArgs& args) {
  args.status = absl::UnavailableError(kDroppedMessage);
  stream_->report.ended_with = absl::StatusCode::kUnavailable;
  core::Trailers trailers(args);
  // Core keeps the texts without a copy.
  trailers.Set(kStatusKey, "14");
  trailers.Set(kMessageKey, kDroppedMessage);
}

void AttemptTracker::OnSucceeded() {
  if (call_ == nullptr || call_->log.retries_granted() == 0) return;
  const std::shared_ptr<RetryPolicy> policy = RetryPolicy::Of(call_->context);
  if (policy != nullptr) policy->budget.OnRetriedCallSucceeded(CoreMillis());
}

void AttemptTracker::OnFailed(const FinishArgs& args, bool dropped) {
  const ErrorClass error =
      ClassifyError(args.status.code(), args.status.message(),
                    stream_ == nullptr ? StreamReport() : stream_->report);
  if (call_ != nullptr && call_->OnEnded(attempt_, error, *stream_)) {
    backend_->health.OnCallEnded(AttemptOutcome::kAbandoned, "", trial_);
    return;
  }
  // A backend that shuts down says so to the connection, too, and a handler may
  // have cancelled the call.
  backend_->health.OnCallEnded(dropped ? AttemptOutcome::kAbandoned
                                       : OutcomeOf(error, args.status.code()),
                               args.status.message(), trial_);
  const bool client_fault = error == ErrorClass::kClientFault;
  // An answer that was too large for this process is one, too.
  if (error == ErrorClass::kApplication ||
      (client_fault && stream_->report.sent)) {
    connection_->OnAnswered();
  }
  const bool infrastructure = IsInfrastructureFailure(error);
  if (infrastructure) CountFailure();
  // A call that the caller cancelled says nothing about the backend's latency.
  // One that ran into its deadline or perTryTimeout does: it took that long.
  const bool cancelled = error == ErrorClass::kCallerGaveUp &&
                         args.status.code() == absl::StatusCode::kCancelled;
  if (needs_latency_ && !cancelled && !client_fault) {
    ObserveLatencies(infrastructure);
  }
  if (call_ == nullptr) return;
  AttemptView view;
  view.code = args.status.code();
  view.message = args.status.message();
  view.method = call_->context.method;
  view.backend = backend_->address();
  view.attempt = attempt_;
  const std::shared_ptr<RetryPolicy> policy = RetryPolicy::Of(call_->context);
  const bool retriable = IsRetriable(error, policy.get(), view, args);
  if (record_ != nullptr) {
    RecordFailure(error, view, policy.get(), retriable);
  }
  // The log reads the status after the tracker's end, so the arena owns it.
  const auto* status =
      call_->context.arena->ManagedNew<absl::Status>(args.status);
  if (call_->OnFailed(attempt_, status, *stream_, retriable)) {
    LengthenPushback(core::Trailers(args));
  }
}

bool AttemptTracker::IsRetriable(ErrorClass error, const RetryPolicy* policy,
                                 const AttemptView& view,
                                 const FinishArgs& args) const {
  // What follows perTryTimeout is decided before the attempt ends.
  return error != ErrorClass::kTimeout && error != ErrorClass::kClientFault &&
         AllowsRetry(policy, view, core::Trailers(args));
}

void AttemptTracker::RecordFailure(ErrorClass error, const AttemptView& view,
                                   const RetryPolicy* policy, bool retriable) {
  AttemptEnd end;
  const bool timed_out = error == ErrorClass::kTimeout;
  end.code = timed_out ? absl::StatusCode::kDeadlineExceeded : view.code;
  end.message = timed_out ? kAttemptTimeoutMessage : view.message;
  // The time of a client's fault may have gone by before anything was sent.
  end.caller_gave_up =
      error == ErrorClass::kCallerGaveUp ||
      (error == ErrorClass::kClientFault && MayMeanGivenUp(view.code));
  end.retriable = retriable;
  end.makes_retries = policy == nullptr || policy->failover.max_retries() > 0;
  Record(end);
}

void AttemptTracker::Record(const AttemptEnd& end) {
  call_->context.record->OnAttemptEnded(*record_, end, clock_->NowNanos());
}

void AttemptTracker::CountFailure() {
  backend_->failures.fetch_add(1, std::memory_order_relaxed);
  backend_->load.failures.fetch_add(1, std::memory_order_relaxed);
  if (load_path_ == nullptr) return;
  for (const auto& load : *load_path_) {
    load->failures.fetch_add(1, std::memory_order_relaxed);
  }
}

bool AttemptTracker::AllowsRetry(const RetryPolicy* policy,
                                 const AttemptView& view,
                                 const core::Trailers& trailers) const {
  if (policy == nullptr || !policy->failover.IsRetriable(view)) return false;
  const grpc_core::Duration left =
      call_->context.deadline - grpc_core::Timestamp::Now();
  std::string buffer;
  return PushbackAllowsRetry(trailers.Lookup(kPushbackKey, &buffer),
                             left == grpc_core::Duration::Infinity()
                                 ? absl::InfiniteDuration()
                                 : absl::Milliseconds(left.millis()));
}

void AttemptTracker::ObserveLatencies(bool failed) {
  // A stream may live for hours, and its first message may be late, because
  // there is nothing to say.  Neither tells how fast the backend is; a failure
  // does.
  const bool is_streaming = call_ != nullptr && call_->context.is_streaming;
  if (is_streaming && !failed) return;
  const int64_t now = clock_->NowNanos();
  const int64_t latency = is_streaming ? 0 : now - start_nanos_;
  const absl::Duration decay = absl::Nanoseconds(ewma_decay_nanos_);
  ObserveLatency(backend_->load, latency, failed, now, decay);
  if (load_path_ == nullptr) return;
  for (const auto& load : *load_path_) {
    ObserveLatency(*load, latency, failed, now, decay);
  }
}

void AttemptTracker::End() {
  phase_ = Phase::kEnded;
  if (call_ != nullptr) {
    AttemptPart* newest = this;
    call_->context.attempt.compare_exchange_strong(newest, nullptr,
                                                   std::memory_order_acq_rel);
  }
  if (load_path_ != nullptr) {
    for (const auto& load : *load_path_) {
      load->in_flight.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  backend_->EndCall();
  // Last, because it may destroy the backend.
  if (connection_->EndStream() && call_ != nullptr) call_->WakeWaitingCalls();
}

}  // namespace multi_backend
