// PoolTime: the clock and the timers of a pool, its backends and the channels
// that use it.  Production uses those of the process; a test makes its own.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_TIME_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_TIME_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "multi_backend/clock/steady_clock.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/health/timers/timer_queue.h"
#include "multi_backend/health/timers/timers.h"

namespace multi_backend {

struct PoolTime {
  const Clock* clock = &SteadyClock::Get();  // Outlives the pool.
  // Each backend calls this when it first needs timers.
  std::function<std::shared_ptr<Timers>()> timers = &TimerQueue::Shared;

  int64_t NowNanos() const { return clock->NowNanos(); }
  // The present time as absl::Time, for messages and snapshots.
  absl::Time Now() const { return SteadyTime(clock->NowNanos()); }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_TIME_H_
