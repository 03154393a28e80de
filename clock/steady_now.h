// SteadyNow() and SteadyTime(): the time of day on a clock that never goes
// backwards.
#ifndef MULTI_BACKEND_CLOCK_STEADY_NOW_H_
#define MULTI_BACKEND_CLOCK_STEADY_NOW_H_

#include <cstdint>

#include "absl/time/time.h"

namespace multi_backend {

// The wall clock's time when the process first asked, moved on by the monotonic
// clock: fit for people to read, and for intervals.  A later correction of the
// wall clock is not followed.  Thread-safe.
absl::Time SteadyNow();

// The same for a moment of std::chrono::steady_clock, in nanoseconds since its
// epoch.
absl::Time SteadyTime(int64_t steady_nanos);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CLOCK_STEADY_NOW_H_
