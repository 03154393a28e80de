// VirtualTime: all the time that a policy under test knows, in one: the clock
// and the timers of its pool, core's own time, and core's event engine.
//
//   VirtualTime time;
//   time.Advance(absl::Seconds(2));  // Runs what is due, in order of its
//   times.
//
// It moves only when the test says so, and everything runs on the test's
// thread: timers without an ExecCtx, as on the threads of production.  Core's
// own time is the virtual one only for what is run through this.
//
// Strict: after Close() nothing may ask the engine for anything.
//
// Threads: one.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_VIRTUAL_TIME_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_VIRTUAL_TIME_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "multi_backend/health/timers/timers.h"
#include "multi_backend/lb_policy/backends/pool_time.h"
#include "multi_backend/lb_policy/clock.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/tests/testing/virtual_timers.h"

namespace multi_backend {

class VirtualTime final : public Clock {
 public:
  using EventEngine = grpc_event_engine::experimental::EventEngine;

  VirtualTime();
  ~VirtualTime() override;

  int64_t NowNanos() const override;
  // For a pool that goes by this.
  PoolTime ForPool();
  EventEngine* engine();

  // Runs `fn` as a thread of core's does, and then everything that follows
  // from it at this moment.
  void RunInCore(const std::function<void()>& fn);
  // The same as a thread of the application's does.
  void RunOutsideCore(const std::function<void()>& fn);
  void Advance(absl::Duration by);

  // Timers of the engine that have neither run nor been cancelled.
  size_t engine_timers() const { return engine_timers_.size(); }
  // What the engine is asked for from now on is a fault of the policy's.
  void Close() { closed_ = true; }

 private:
  class CoreTime;
  class Engine;
  class PoolTimers;

  // Runs what the engine has been given, until there is nothing.
  void Settle();

  VirtualTimers timers_;
  std::set<uint64_t> engine_timers_;
  std::deque<absl::AnyInvocable<void()>> engine_queue_;
  bool closed_ = false;
  const std::shared_ptr<Engine> engine_;
  const std::shared_ptr<PoolTimers> pool_timers_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_VIRTUAL_TIME_H_
