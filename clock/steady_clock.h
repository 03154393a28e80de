// SteadyClock: the Clock used in production, on std::chrono::steady_clock.
#ifndef MULTI_BACKEND_CLOCK_STEADY_CLOCK_H_
#define MULTI_BACKEND_CLOCK_STEADY_CLOCK_H_

#include <chrono>
#include <cstdint>

#include "multi_backend/clock/clock.h"

namespace multi_backend {

class SteadyClock final : public Clock {
 public:
  // Never destroyed: gRPC's threads may still read it when the process exits.
  static const SteadyClock& Get() {
    static const auto& clock = *new SteadyClock();
    return clock;
  }
  int64_t NowNanos() const override {
    return std::chrono::steady_clock::now().time_since_epoch().count();
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CLOCK_STEADY_CLOCK_H_
