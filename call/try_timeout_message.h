// What core's retry filter says when an attempt runs into
// perAttemptRecvTimeout. There is no other sign of it: the status code is that
// of a cancelled call.
#ifndef MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_
#define MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_

#include "absl/strings/string_view.h"

namespace multi_backend {

// The text of core 1.51; routing_interceptor_test checks that it still is.
constexpr absl::string_view kCoreTryTimeoutMessage =
    "retry perAttemptRecvTimeout exceeded";

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_
