// What a server's grpc-retry-pushback-ms means for the retry.
//
// Pure and thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_PUSHBACK_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_PUSHBACK_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace multi_backend {

// The longest push-back that a server may ask for, where the call's deadline
// allows it.
constexpr absl::Duration kMaxPushback = absl::Seconds(30);

// Whether a server's push-back allows a retry.  `pushback_ms` is the text of
// grpc-retry-pushback-ms; nullopt = none, which allows it.  A text that is not
// a number, is negative, or is longer than kMaxPushback or the call's remaining
// time does not.
bool PushbackAllowsRetry(absl::optional<absl::string_view> pushback_ms,
                         absl::Duration remaining);

// Whether the server asks for a retry at once.  Core 1.83 never makes a retry
// after a wait of 0 ms, and the call hangs past its deadline, so the least wait
// is kLeastPushback.
bool IsPushbackOfZero(absl::optional<absl::string_view> pushback_ms);

// In milliseconds, as a server writes it.
constexpr absl::string_view kLeastPushback = "1";

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_PUSHBACK_H_
