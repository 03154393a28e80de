// DeadlineAfter(): a moment on gRPC's monotonic clock.
#ifndef MULTI_BACKEND_PORT_DEADLINE_H_
#define MULTI_BACKEND_PORT_DEADLINE_H_

#include <grpc/support/time.h>

#include "absl/time/time.h"

namespace multi_backend {

// Now for a negative `timeout`; in a day for a longer one, which for a deadline
// is as good and cannot overflow.  Thread-safe.
gpr_timespec DeadlineAfter(absl::Duration timeout);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_DEADLINE_H_
