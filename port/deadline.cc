#include "multi_backend/port/deadline.h"

#include <algorithm>

namespace multi_backend {

gpr_timespec DeadlineAfter(absl::Duration timeout) {
  timeout = std::min(std::max(timeout, absl::ZeroDuration()), absl::Hours(24));
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(absl::ToInt64Nanoseconds(timeout), GPR_TIMESPAN));
}

}  // namespace multi_backend
