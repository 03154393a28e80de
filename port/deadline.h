// DeadlineAfter(): a moment on gRPC's monotonic clock.
#ifndef MULTI_BACKEND_PORT_DEADLINE_H_
#define MULTI_BACKEND_PORT_DEADLINE_H_

#include <grpc/support/time.h>

#include "absl/time/time.h"

namespace multi_backend {

// Returns the moment `timeout` from now.  A negative timeout counts as 0, and
// one longer than a day as a day, which serves a deadline as well and cannot
// overflow.  Thread-safe.
gpr_timespec DeadlineAfter(absl::Duration timeout);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_DEADLINE_H_
