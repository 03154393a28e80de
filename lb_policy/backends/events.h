// PoolEvents: what happens to the backends of a pool and to the channels that
// use it, as a bounded ring, and the watches on it.
//
// Shared by the pool, its backends and the channels' policies; outlives each.
//
// Threads: every method may be called from any thread.  Watch callbacks run on
// the thread that reported, without a lock of ours, so they may call back.  One
// that must not run there (under somebody's lock) has to hand on to another.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_EVENTS_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_EVENTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/lb_policy/backends/pool_time.h"

namespace multi_backend {

struct PoolEvent {
  enum class Kind {
    kState,        // Of a backend: "ALIVE" -> "DOWN", ….
    kConnections,  // A backend's number of connections in one channel.
    kBacklog,      // Of a balancer: "ALIVE" -> "OVERLOADED" -> "DOWN".
    kPanic,        // Of a balancer: "off" -> "on".
  };
  uint64_t sequence = 0;  // 1, 2, …: a gap tells what the ring has lost.
  absl::Time time;
  Kind kind = Kind::kState;
  std::string who;  // The backend's address, or the balancer's path.
  std::string from;
  std::string to;
  std::string reason;

  // "10.0.0.1:50051: ALIVE -> DOWN: 3 calls in a row failed: …".
  std::string ToString() const;
};

class PoolEvents {
 public:
  explicit PoolEvents(PoolTime pool_time = {}) : time(std::move(pool_time)) {}

  // How many the ring keeps: some minutes of a cluster that misbehaves.
  static constexpr size_t kCapacity = 1024;

  // Records the event; its `sequence` is given here.  Calls no watch.
  void Add(PoolEvent event);
  // Those after `sequence` that the ring still has, oldest first.
  std::vector<PoolEvent> After(uint64_t sequence) const;

  // True for one caller: it writes the event, and those before it, to the log.
  bool ClaimForLog(uint64_t sequence) {
    uint64_t logged = logged_.load();
    return sequence > logged &&
           logged_.compare_exchange_strong(logged, sequence);
  }

  // Calls the watches: a backend's health has changed.
  void Notify() { Call(&Watch::on_change); }
  // The same: a backend has room for a call again, for which some may wait.
  void NotifyRoom() { Call(&Watch::on_room); }
  // The same: a probe has reached a backend that some channel could not.
  void NotifyReachable() { Call(&Watch::on_reachable); }
  using WatchId = uint64_t;
  // A call may still be running after the watch's removal.
  WatchId AddWatch(std::function<void()> on_change,
                   std::function<void()> on_room = nullptr,
                   std::function<void()> on_reachable = nullptr);
  void RemoveWatch(WatchId id);

  // The clock and the timers of all that share these events.
  const PoolTime time;

  // How many channels have calls waiting for a backend.
  std::atomic<uint32_t> waiting_channels{0};

 private:
  struct Watch {
    std::function<void()> on_change;
    std::function<void()> on_room;
    std::function<void()> on_reachable;
  };
  using WatchRef = std::shared_ptr<const Watch>;
  void Call(std::function<void()> Watch::*which);

  std::atomic<uint64_t> logged_{0};
  // Not absl::Mutex: in the distribution's build tsan does not see it.
  mutable std::mutex mutex_;
  uint64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<PoolEvent> ring_ ABSL_GUARDED_BY(mutex_);
  std::map<WatchId, WatchRef> watches_ ABSL_GUARDED_BY(mutex_);
  WatchId next_watch_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_EVENTS_H_
