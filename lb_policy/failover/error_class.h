// ErrorClass: what the end of an attempt says about its backend.
//
// Pure and thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_ERROR_CLASS_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_ERROR_CLASS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/stream_report.h"

namespace multi_backend {

enum class ErrorClass {
  kNone,          // The attempt succeeded.
  kTransient,     // The backend as a whole, or the way to it, failed.
  kTimeout,       // The attempt exceeded perTryTimeout.
  kApplication,   // The backend answered; another would answer the same.
  kCallerGaveUp,  // The caller gave up or its deadline passed.
  kClientFault,   // This process failed the attempt: by its call credentials or
                  // its limits, or because it never got to sending it.
};

// Who made the status of an attempt.
enum class StatusOrigin {
  kUnknown,     // Nobody watched the stream.
  kServer,      // The server sent it.
  kConnection,  // The transport or HTTP made it: the stream broke off.
  kClient,      // This process made it, or cancelled the stream.
};

StatusOrigin OriginOf(absl::StatusCode code, const StreamReport& stream);

// Returns the class of an attempt's end.  `message` distinguishes the
// cancellation by perTryTimeout from one by the caller.
ErrorClass ClassifyError(absl::StatusCode code, absl::string_view message,
                         const StreamReport& stream = {});

// Whether the server seems to have dropped the call because it is shutting
// down. A server of gRPC's C core (C++, Python, Ruby, …) ends the calls that no
// handler has taken yet with CANCELLED and the message "CANCELLED".  It sends
// the same for a call that its application cancels without a text.
bool IsDroppedAtShutdown(absl::StatusCode code, absl::string_view message,
                         const StreamReport& stream);

// Whether the error counts against the backend.
bool IsInfrastructureFailure(ErrorClass error);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_ERROR_CLASS_H_
