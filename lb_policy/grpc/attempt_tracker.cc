#include "multi_backend/lb_policy/grpc/attempt_tracker.h"

#include <string>

#include "absl/types/optional.h"
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
  backend_->Ref();
  backend_->load.in_flight.fetch_add(1, std::memory_order_relaxed);
  backend_->calls.fetch_add(1, std::memory_order_relaxed);
  if (ABSL_PREDICT_FALSE(load_path_ != nullptr)) {
    for (const auto& load : *load_path_) {
      load->in_flight.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (record_ != nullptr) {
    attempt_ = record_->OnAttemptStarted(backend_->id());
    if (ABSL_PREDICT_FALSE(attempt_ > 1)) {
      backend_->retries_landed.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (needs_latency_) start_nanos_ = SteadyClock::Get().NowNanos();
}

void AttemptTracker::Finish(FinishArgs args) {
  if (ABSL_PREDICT_TRUE(args.status.ok())) {
    if (needs_latency_) ObserveLatencies(/*failed=*/false);
    if (record_ != nullptr) record_->OnAttemptSucceeded();
  } else {
    OnFailed(args);
  }
  End();
}

void AttemptTracker::OnFailed(const FinishArgs& args) {
  const ErrorClass error =
      Failover::Classify(args.status.code(), args.status.message());
  const bool infrastructure = Failover::IsInfrastructureFailure(error);
  if (infrastructure) {
    backend_->failures.fetch_add(1, std::memory_order_relaxed);
  }
  // What the caller gave up tells nothing of how long it would have taken,
  // unless it gave up because it took too long.
  if (needs_latency_ && args.status.code() != absl::StatusCode::kCancelled) {
    ObserveLatencies(infrastructure);
  }
  if (record_ == nullptr) return;
  AttemptView view;
  view.code = args.status.code();
  view.message = args.status.message();
  view.method = method_;
  view.backend = backend_->address();
  view.timed_out = error == ErrorClass::kTimeout;
  view.attempt = attempt_;
  bool retriable = record_->state().failover.IsRetriable(view);
  if (retriable && args.trailing_metadata != nullptr) {
    std::string buffer;
    retriable = Failover::PushbackAllowsRetry(
        args.trailing_metadata->Lookup(kPushbackKey, &buffer),
        record_->TimeLeft());
  }
  record_->OnAttemptFailed(attempt_, args.status, retriable);
}

void AttemptTracker::ObserveLatencies(bool failed) {
  const int64_t now = SteadyClock::Get().NowNanos();
  const int64_t latency = now - start_nanos_;
  ObserveLatency(backend_->load, latency, failed, now, ewma_decay_);
  if (load_path_ == nullptr) return;
  for (const auto& load : *load_path_) {
    ObserveLatency(*load, latency, failed, now, ewma_decay_);
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
