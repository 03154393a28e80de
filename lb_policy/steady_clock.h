// SteadyClock: the Clock used in production, on std::chrono::steady_clock.
#ifndef MULTI_BACKEND_LB_POLICY_STEADY_CLOCK_H_
#define MULTI_BACKEND_LB_POLICY_STEADY_CLOCK_H_

#include <chrono>
#include <cstdint>

#include "multi_backend/lb_policy/clock.h"
#include "multi_backend/resolver/source/steady_now.h"  // IWYU pragma: export

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

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STEADY_CLOCK_H_
