// The messages of an attempt that runs into perTryTimeout, which is core's
// perAttemptRecvTimeout: that of core's retry filter, the caller's, and the
// record's.  Only the message tells: core's status code is that of a cancelled
// call.
#ifndef MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_
#define MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_

#include "absl/strings/string_view.h"

namespace multi_backend {

// Part of core's text: 1.83 puts "Stream removed (" before it.
// //tests/e2e:whole_answer_test checks it against the linked core.
constexpr absl::string_view kCoreTryTimeoutMessage =
    "retry perAttemptRecvTimeout exceeded";

// What the caller sees instead, with DEADLINE_EXCEEDED.
constexpr absl::string_view kTryTimeoutMessage =
    "the call's last attempt ran into failover.perTryTimeout, and no further "
    "retry was allowed";

// What the record of the call says of the attempt.
constexpr absl::string_view kAttemptTimeoutMessage =
    "the attempt ran into failover.perTryTimeout";

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_TRY_TIMEOUT_MESSAGE_H_
