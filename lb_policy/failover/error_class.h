// ErrorClass: what the end of an attempt says about its backend.
//
// Pure and thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_ERROR_CLASS_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_ERROR_CLASS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

enum class ErrorClass {
  kNone,          // The attempt succeeded.
  kTransient,     // The backend as a whole, or the way to it, failed.
  kTimeout,       // The attempt exceeded perTryTimeout.
  kApplication,   // The backend answered; another would answer the same.
  kCallerGaveUp,  // The caller gave up or its deadline passed.
};

// Returns the class of an attempt's end.  `message` distinguishes the
// cancellation by perTryTimeout from one by the caller.
ErrorClass ClassifyError(absl::StatusCode code, absl::string_view message);

// Whether the error counts against the backend.
bool IsInfrastructureFailure(ErrorClass error);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_ERROR_CLASS_H_
