// RetryClassifier: an application's own rule for which failed attempts are
// tried again on another backend.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_CLASSIFIER_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_CLASSIFIER_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// The end of an attempt, for the application's RetryClassifier.  The views are
// valid only during the call of the classifier.
struct AttemptView {
  absl::StatusCode code = absl::StatusCode::kOk;
  absl::string_view message;
  absl::string_view method;   // "/package.Service/Method".
  absl::string_view backend;  // Its address, "ip:port".
  // The attempt ran into perTryTimeout.  `code` is then kDeadlineExceeded, and
  // `message` is empty.
  bool timed_out = false;
  int attempt = 1;  // 1 = the first attempt.
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

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_CLASSIFIER_H_
