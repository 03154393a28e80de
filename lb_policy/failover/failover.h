// Failover: the two questions after a failed attempt, each with its own table:
// "is it right to try elsewhere?" and "was it the backend's fault?".
//
// Pure; immutable after construction, so thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_FAILOVER_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_FAILOVER_H_

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

enum class ErrorClass {
  kNone,         // The attempt succeeded.
  kTransient,    // The way to the backend, or the backend as a whole, failed.
  kTimeout,      // The attempt ran into perTryTimeout.
  kApplication,  // The backend answered; another one would answer the same.
  kCancelled,  // Nobody waits any more: the caller gave up or ran out of time.
};

// How an attempt ended, as a RetryClassifier of the application sees it.
// Views are valid during the call only.
struct AttemptView {
  absl::StatusCode code = absl::StatusCode::kOk;
  absl::string_view message;
  absl::string_view method;   // "/package.Service/Method".
  absl::string_view backend;  // Its address.
  bool timed_out = false;     // By perTryTimeout; code DEADLINE_EXCEEDED.
  int attempt = 1;            // 1 = the first.
};

// Replaces the status-code list: true = try another backend.  Called on gRPC's
// threads, at the same time for different calls; must not block.
using RetryClassifier = std::function<bool(const AttemptView&)>;

// A holder that can be shared between channel parts.
class AttemptClassifier {
 public:
  explicit AttemptClassifier(RetryClassifier function)
      : function_(std::move(function)) {}
  bool operator()(const AttemptView& attempt) const {
    return function_(attempt);
  }

 private:
  const RetryClassifier function_;
};

class Failover {
 public:
  // What a server may ask at most, where the call's deadline allows it.
  static constexpr absl::Duration kMaxPushback = absl::Seconds(30);

  Failover(const FailoverConfig& config,
           std::shared_ptr<const AttemptClassifier> classifier);

  // The class of an attempt's end.  `message` tells perTryTimeout's
  // cancellation from the caller's.
  static ErrorClass Classify(absl::StatusCode code, absl::string_view message);
  // Whether it speaks against the backend (table two).
  static bool IsInfrastructureFailure(ErrorClass error);

  // Whether the attempt's end allows a retry (table one); does not look at
  // attempts left, budget and other backends.
  bool IsRetriable(const AttemptView& attempt) const;

  // Whether a server's push-back (text of grpc-retry-pushback-ms, nullopt =
  // none) allows one: no for garbage, negative, and longer than kMaxPushback
  // or the time that the call has left.
  static bool PushbackAllowsRetry(absl::optional<absl::string_view> pushback_ms,
                                  absl::Duration remaining);

  int max_retries() const { return max_retries_; }
  const absl::optional<absl::Duration>& per_try_timeout() const {
    return per_try_timeout_;
  }

 private:
  const int max_retries_;
  const absl::optional<absl::Duration> per_try_timeout_;
  std::array<bool, 17> retriable_{};  // By status code.
  const std::shared_ptr<const AttemptClassifier> classifier_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_FAILOVER_H_
