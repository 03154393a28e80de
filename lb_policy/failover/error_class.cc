#include "multi_backend/lb_policy/failover/error_class.h"

#include "absl/strings/match.h"
#include "multi_backend/call/try_timeout_message.h"

namespace multi_backend {

ErrorClass ClassifyError(absl::StatusCode code, absl::string_view message) {
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

bool IsInfrastructureFailure(ErrorClass error) {
  return error == ErrorClass::kTransient || error == ErrorClass::kTimeout;
}

}  // namespace multi_backend
