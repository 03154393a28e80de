// Failover: answers whether another backend may be tried after a failed
// attempt.  Whether the failure was the backend's fault is a question of its
// own; see error_class.h.
//
// Pure.  Immutable after construction, so thread-safe; a RetryClassifier runs
// on the calling thread.  Cost: O(1).
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_FAILOVER_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_FAILOVER_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/lb_policy/failover/retry_classifier.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class Failover {
 public:
  Failover(const FailoverConfig& config,
           std::shared_ptr<const AttemptClassifier> classifier);

  // Whether the attempt's end allows a retry.  Does not consider the number of
  // attempts left, the retry budget and the other backends.
  bool IsRetriable(const AttemptView& attempt) const;

  int max_retries() const { return max_retries_; }
  const absl::optional<absl::Duration>& per_try_timeout() const {
    return per_try_timeout_;
  }
  int64_t max_connect_wait_nanos() const { return max_connect_wait_nanos_; }

 private:
  const int max_retries_;
  const absl::optional<absl::Duration> per_try_timeout_;
  const int64_t max_connect_wait_nanos_;
  std::array<bool, 17> retriable_{};  // By status code.
  const std::shared_ptr<const AttemptClassifier> classifier_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_FAILOVER_H_
