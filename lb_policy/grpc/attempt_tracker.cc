#include "multi_backend/lb_policy/grpc/attempt_tracker.h"

#include <string>

#include "absl/strings/string_view.h"
#include "multi_backend/lb_policy/failover.h"
#include "multi_backend/lb_policy/peak_ewma.h"
#include "multi_backend/lb_policy/steady_clock.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kPushbackKey = "grpc-retry-pushback-ms";

}  // namespace

AttemptTracker::~AttemptTracker() {
  if (ABSL_PREDICT_FALSE(started_)) End();
}

void AttemptTracker::Start() {
  started_ = true;
  load_path_ = leaf_->load_path();
  backend_->Ref();
  backend_->load.in_flight.fetch_add(1, std::memory_order_relaxed);
  backend_->calls.fetch_add(1, std::memory_order_relaxed);
  if (ABSL_PREDICT_FALSE(load_path_ != nullptr)) {
    for (const auto& load : *load_path_) {
      load->in_flight.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (context_ != nullptr) {
    attempt_ = context_->log.OnStarted(backend_->id());
    if (state_->failover.per_try_timeout().has_value()) {
      context_->log.SetStart(CoreMillis());
    }
    if (ABSL_PREDICT_TRUE(attempt_ == 1)) {
      state_->budget.OnCall(BudgetSeconds);
    } else {
      backend_->retries_landed.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (needs_latency_) {
    start_nanos_ = SteadyClock::Get().NowNanos();
    ewma_decay_nanos_ = absl::ToInt64Nanoseconds(leaf_->ewma_decay());
  }
}

void AttemptTracker::Finish(FinishArgs args) {
  if (ABSL_PREDICT_TRUE(args.status.ok())) {
    if (needs_latency_) ObserveLatencies(/*failed=*/false);
  } else {
    OnFailed(args);
  }
  End();
}

void AttemptTracker::OnFailed(const FinishArgs& args) {
  if (context_ != nullptr && context_->log.IsVoid(attempt_)) return;
  const ErrorClass error =
      Failover::Classify(args.status.code(), args.status.message());
  const bool infrastructure = Failover::IsInfrastructureFailure(error);
  if (infrastructure) {
    backend_->failures.fetch_add(1, std::memory_order_relaxed);
  }
  // What the caller gave up tells nothing of how long it would have taken,
  // unless it (or perTryTimeout) gave up because it took too long.
  const bool timed_out = error == ErrorClass::kTimeout;
  if (needs_latency_ &&
      (timed_out || args.status.code() != absl::StatusCode::kCancelled)) {
    ObserveLatencies(infrastructure);
  }
  if (context_ == nullptr) return;
  AttemptView view;
  view.code = args.status.code();
  view.message = args.status.message();
  view.method = context_->method;
  view.backend = backend_->address();
  view.attempt = attempt_;
  // The status outlives the tracker, with the call.
  const auto* status = context_->arena->ManagedNew<absl::Status>(args.status);
  // A retry after perTryTimeout has been decided before the attempt ends.
  context_->log.OnFailed(
      attempt_, status,
      !timed_out && AllowsRetry(view, args.trailing_metadata));
}

bool AttemptTracker::AllowsRetry(const AttemptView& view,
                                 MetadataInterface* trailing_metadata) const {
  const std::shared_ptr<RetryDecider> decider = context_->decider();
  if (decider == nullptr || !decider->IsRetriable(view)) return false;
  if (trailing_metadata == nullptr) return true;
  const grpc_core::Duration left =
      context_->deadline - grpc_core::Timestamp::Now();
  std::string buffer;
  return Failover::PushbackAllowsRetry(
      trailing_metadata->Lookup(kPushbackKey, &buffer),
      left == grpc_core::Duration::Infinity()
          ? absl::InfiniteDuration()
          : absl::Milliseconds(left.millis()));
}

void AttemptTracker::ObserveLatencies(bool failed) {
  const int64_t now = SteadyClock::Get().NowNanos();
  const int64_t latency = now - start_nanos_;
  const absl::Duration decay = absl::Nanoseconds(ewma_decay_nanos_);
  ObserveLatency(backend_->load, latency, failed, now, decay);
  if (load_path_ == nullptr) return;
  for (const auto& load : *load_path_) {
    ObserveLatency(*load, latency, failed, now, decay);
  }
}

void AttemptTracker::End() {
  started_ = false;
  if (ABSL_PREDICT_FALSE(load_path_ != nullptr)) {
    for (const auto& load : *load_path_) {
      load->in_flight.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  backend_->load.in_flight.fetch_sub(1, std::memory_order_relaxed);
  backend_->Unref();
}

}  // namespace multi_backend
