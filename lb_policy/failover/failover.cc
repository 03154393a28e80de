#include "multi_backend/lb_policy/failover/failover.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"

namespace multi_backend {

Failover::Failover(const FailoverConfig& config,
                   std::shared_ptr<const AttemptClassifier> classifier)
    : max_retries_(config.max_retries),
      per_try_timeout_(config.per_try_timeout),
      max_connect_wait_nanos_(
          absl::ToInt64Nanoseconds(config.max_connect_wait)),
      classifier_(std::move(classifier)) {
  for (absl::StatusCode code : config.retriable_status_codes) {
    const auto index = static_cast<size_t>(code);
    if (index < retriable_.size()) retriable_[index] = true;
  }
}

bool Failover::IsRetriable(const AttemptView& attempt) const {
  if (classifier_ != nullptr) return (*classifier_)(attempt);
  if (attempt.timed_out) return true;
  const auto index = static_cast<size_t>(attempt.code);
  return index < retriable_.size() && retriable_[index];
}

}  // namespace multi_backend
