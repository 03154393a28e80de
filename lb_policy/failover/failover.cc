#include "multi_backend/lb_policy/failover/failover.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "multi_backend/call/try_timeout_message.h"

namespace multi_backend {

Failover::Failover(const FailoverConfig& config,
                   std::shared_ptr<const AttemptClassifier> classifier)
    : max_retries_(config.max_retries),
      per_try_timeout_(config.per_try_timeout),
      classifier_(std::move(classifier)) {
  for (absl::StatusCode code : config.retriable_status_codes) {
    const auto index = static_cast<size_t>(code);
    if (index < retriable_.size()) retriable_[index] = true;
  }
}

ErrorClass Failover::Classify(absl::StatusCode code,
                              absl::string_view message) {
  switch (code) {
    case absl::StatusCode::kOk:
      return ErrorClass::kNone;
    case absl::StatusCode::kUnavailable:
      return ErrorClass::kTransient;
    case absl::StatusCode::kCancelled:
      return absl::StrContains(message, kCoreTryTimeoutMessage)
                 ? ErrorClass::kTimeout
                 : ErrorClass::kCallerGaveUp;
    case absl::StatusCode::kDeadlineExceeded:
      return ErrorClass::kCallerGaveUp;
    default:
      return ErrorClass::kApplication;
  }
}

bool Failover::IsInfrastructureFailure(ErrorClass error) {
  return error == ErrorClass::kTransient || error == ErrorClass::kTimeout;
}

bool Failover::IsRetriable(const AttemptView& attempt) const {
  if (classifier_ != nullptr) return (*classifier_)(attempt);
  if (attempt.timed_out) return true;
  const auto index = static_cast<size_t>(attempt.code);
  return index < retriable_.size() && retriable_[index];
}

bool Failover::PushbackAllowsRetry(
    absl::optional<absl::string_view> pushback_ms, absl::Duration remaining) {
  if (!pushback_ms.has_value()) return true;
  int64_t millis;
  if (!absl::SimpleAtoi(*pushback_ms, &millis) || millis < 0) return false;
  return absl::Milliseconds(millis) <= std::min(remaining, kMaxPushback);
}

}  // namespace multi_backend
