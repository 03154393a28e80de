// PoolEvents: a bounded log of what happens to the backends of a pool and to
// the channels that use it, and the watches on these events.
//
// The pool, its backends and the channels' policies share one PoolEvents, which
// outlives each of them.
//
// Threads: every method may be called from any thread.  Watch callbacks run on
// the thread that reported the event, with no lock of PoolEvents held, so they
// may call its methods.  The reporting thread may hold locks of its own; a
// callback that must not run under those has to hand its work to another
// thread.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_EVENTS_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_EVENTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/lb_policy/backends/ejection_guards.h"
#include "multi_backend/lb_policy/backends/event.h"
#include "multi_backend/lb_policy/backends/event_queue.h"
#include "multi_backend/lb_policy/backends/pool_time.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class PoolEvents {
 public:
  explicit PoolEvents(PoolTime pool_time = {}) : time(std::move(pool_time)) {}

  // The number of events that the ring keeps.  It is enough for some minutes of
  // a cluster that misbehaves.
  static constexpr size_t kCapacity = 1024;

  // Records the event and sets its `sequence`.  Calls only those watches that
  // have an `on_event`.
  void Add(PoolEvent event) ABSL_LOCKS_EXCLUDED(mutex_);
  // The events after `sequence` that are still kept, oldest first.
  std::vector<PoolEvent> After(uint64_t sequence) const;

  // The sequence number of the newest event; 0 when there is none.
  uint64_t newest() const {
    MutexLock lock(&mutex_);
    return last_sequence_;
  }

  // True for exactly one caller, which then writes the event, and the ones
  // before it, to the log.
  bool ClaimForLog(uint64_t sequence) {
    uint64_t logged = logged_.load();
    return sequence > logged &&
           logged_.compare_exchange_strong(logged, sequence);
  }

  // Calls the watches because a backend's health has changed.
  void Notify() { Call(&Watch::on_change); }
  // Calls the watches because a backend can take a call again, for which
  // waiting calls may exist.
  void NotifyCapacityFreed() { Call(&Watch::on_capacity_freed); }
  // Calls the watches because a channel that could not connect to a backend has
  // reason to try again: a probe reached it, or the application asked for it.
  void NotifyReachable() { Call(&Watch::on_reachable); }
  // Each event that is added from now on is also pushed into `queue`.
  void AddQueue(std::shared_ptr<PoolEventQueue> queue);
  void RemoveQueue(const PoolEventQueue* queue);

  using WatchId = uint64_t;
  // RemoveWatch() does not wait: a callback that is already running may still
  // run after it.  `on_event` is called after each Add(), under the locks of
  // whoever adds, so it must only schedule something.
  WatchId AddWatch(std::function<void()> on_change,
                   std::function<void()> on_capacity_freed = nullptr,
                   std::function<void()> on_reachable = nullptr,
                   std::function<void()> on_event = nullptr);
  void RemoveWatch(WatchId id);

  // The clock and the timers of all that share these events.
  const PoolTime time;

  // The channels that may forbid an ejection.
  EjectionGuards ejection_guards;

  // How many channels have calls waiting for a backend.
  std::atomic<uint32_t> waiting_channels{0};

 private:
  struct Watch {
    std::function<void()> on_change;
    std::function<void()> on_capacity_freed;
    std::function<void()> on_reachable;
    std::function<void()> on_event;
  };
  using WatchRef = std::shared_ptr<const Watch>;
  void Call(std::function<void()> Watch::*which) ABSL_LOCKS_EXCLUDED(mutex_);

  std::atomic<uint64_t> logged_{0};
  std::atomic<uint32_t> event_watches_{0};  // Those with an `on_event`.
  mutable Mutex mutex_;
  uint64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<PoolEvent> ring_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<PoolEventQueue>> queues_ ABSL_GUARDED_BY(mutex_);
  std::map<WatchId, WatchRef> watches_ ABSL_GUARDED_BY(mutex_);
  WatchId next_watch_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_EVENTS_H_
