// SteadyClock: the Clock of production, std::chrono::steady_clock; and its
// moments as times for people.
#ifndef MULTI_BACKEND_LB_POLICY_STEADY_CLOCK_H_
#define MULTI_BACKEND_LB_POLICY_STEADY_CLOCK_H_

#include <chrono>
#include <cstdint>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/lb_policy/pick_request.h"

namespace multi_backend {

class SteadyClock final : public Clock {
 public:
  static const SteadyClock& Get() {
    static const SteadyClock clock;
    return clock;
  }
  int64_t NowNanos() const override {
    return std::chrono::steady_clock::now().time_since_epoch().count();
  }
};

// A moment of a Clock as a time for people that never goes backwards: the
// process's first look at the wall clock, moved on by the monotonic one.
inline absl::Time SteadyTime(int64_t nanos) {
  static const int64_t first_nanos = SteadyClock::Get().NowNanos();
  static const absl::Time first = absl::Now();
  return first + absl::Nanoseconds(nanos - first_nanos);
}

inline absl::Time SteadyNow() {
  return SteadyTime(SteadyClock::Get().NowNanos());
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STEADY_CLOCK_H_
