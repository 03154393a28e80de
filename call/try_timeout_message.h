// The message of core's retry filter for an attempt that runs into
// perAttemptRecvTimeout.  Only the message tells: the status code is that of a
// cancelled call.
#ifndef MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_
#define MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_

#include "absl/strings/string_view.h"

namespace multi_backend {

// The text in core 1.51.  routing_interceptor_test checks it against the linked
// core.
constexpr absl::string_view kCoreTryTimeoutMessage =
    "retry perAttemptRecvTimeout exceeded";

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_
