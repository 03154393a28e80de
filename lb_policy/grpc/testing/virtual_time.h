// VirtualTime: all the sources of time of a policy under test in one, which are
// the clock and the timers of its pool, core's time, and core's event engine.
//
//   VirtualTime time;
//   time.Advance(absl::Seconds(2));  // Runs what is due, in order of time.
//
// Time moves only when the test calls Advance(), and everything runs on the
// test's thread.  Timers run without an ExecCtx, as on the timer threads of
// production.  Core's time is virtual only for code that this class runs.
//
// Any use of the engine after Close() fails the test.
//
// Threads: the test's only.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_VIRTUAL_TIME_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_VIRTUAL_TIME_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/clock/clock.h"
#include "multi_backend/health/timers/timers.h"
#include "multi_backend/lb_policy/backends/pool_time.h"
#include "multi_backend/port/core.h"
#include "multi_backend/tests/testing/virtual_timers.h"

namespace multi_backend {

class VirtualTime final : public Clock {
 public:
  using EventEngine = grpc_event_engine::experimental::EventEngine;

  VirtualTime();
  ~VirtualTime() override;

  int64_t NowNanos() const override;
  // Returns the clock and timers for a pool.
  PoolTime ForPool();
  EventEngine* engine();
  // The engine of a work serializer, which works on after Close().
  std::shared_ptr<EventEngine> ForSerializer();

  // Runs `fn` as on a thread of core, and then everything that it causes at the
  // present time.
  void RunInCore(const std::function<void()>& fn);
  // The same as on a thread of the application.
  void RunOutsideCore(const std::function<void()>& fn);
  void Advance(absl::Duration by);
  // Runs what the engine has been given until nothing is left.
  void Settle();
  // From HoldEngine() to ReleaseEngine(), the engine holds back what policies
  // pass to Run().
  void HoldEngine() { held_.emplace(); }
  void ReleaseEngine();

  // Counts the policies that share the engine.  RemovePolicy() returns how many
  // are left.
  void AddPolicy() { ++policies_; }
  int RemovePolicy() { return --policies_; }
  // The number of the engine's timers that have neither run nor been cancelled.
  size_t engine_timers() const { return engine_timers_.size(); }
  // From now on, any use of the engine fails the test.
  void Close() { closed_ = true; }

 private:
  class CoreTime;
  class Engine;
  class PoolTimers;

  VirtualTimers timers_;
  std::set<uint64_t> engine_timers_;
  std::deque<absl::AnyInvocable<void()>> engine_queue_;
  absl::optional<std::vector<absl::AnyInvocable<void()>>> held_;
  int policies_ = 0;
  bool closed_ = false;
  const std::shared_ptr<Engine> engine_;
  const std::shared_ptr<Engine> serializer_engine_;
  const std::shared_ptr<PoolTimers> pool_timers_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_VIRTUAL_TIME_H_
