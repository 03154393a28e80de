// Failover: answers two questions about a failed attempt, each from its own
// table.  IsRetriable() answers "may another backend be tried?", and
// IsInfrastructureFailure() answers "was it the backend's fault?".
//
// Pure.  Immutable after construction, so thread-safe; a RetryClassifier runs
// on the calling thread.  Cost: O(1).
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
  kNone,          // The attempt succeeded.
  kTransient,     // The backend as a whole, or the way to it, failed.
  kTimeout,       // The attempt exceeded perTryTimeout.
  kApplication,   // The backend answered; another would answer the same.
  kCallerGaveUp,  // The caller gave up or its deadline passed.
};

// The end of an attempt, for the application's RetryClassifier.  The views are
// valid only during the call of the classifier.
struct AttemptView {
  absl::StatusCode code = absl::StatusCode::kOk;
  absl::string_view message;
  absl::string_view method;   // "/package.Service/Method".
  absl::string_view backend;  // Its address, "ip:port".
  bool timed_out = false;     // By perTryTimeout; Classify() says which code.
  int attempt = 1;            // 1 = the first attempt.
};

// Replaces the list of status codes: returns whether to try another backend.
// It runs on gRPC's threads, for different calls at the same time, and must not
// block.
using RetryClassifier = std::function<bool(const AttemptView&)>;

// Holds a RetryClassifier that several parts of a channel share.
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
  // The longest push-back that a server may ask for, where the call's deadline
  // allows it.
  static constexpr absl::Duration kMaxPushback = absl::Seconds(30);

  Failover(const FailoverConfig& config,
           std::shared_ptr<const AttemptClassifier> classifier);

  // Returns the class of an attempt's end.  `message` distinguishes the
  // cancellation by perTryTimeout from one by the caller.
  static ErrorClass Classify(absl::StatusCode code, absl::string_view message);
  // Whether the error counts against the backend.
  static bool IsInfrastructureFailure(ErrorClass error);

  // Whether the attempt's end allows a retry.  Does not consider the number of
  // attempts left, the retry budget and the other backends.
  bool IsRetriable(const AttemptView& attempt) const;

  // Whether a server's push-back allows a retry.  `pushback_ms` is the text of
  // grpc-retry-pushback-ms; nullopt = none, which allows it.  A text that is
  // not a number, is negative, or is longer than kMaxPushback or the call's
  // remaining time does not.
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
