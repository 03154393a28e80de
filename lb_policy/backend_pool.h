// BackendPool: the single truth about backends' health, for one channel or
// shared between several (ChannelOptions::pool), and the window through which
// an application watches them.
//
// Threads: every method may be called from any thread.  Watch callbacks run on
// the thread that changed something, without a lock of the pool held, so they
// may call back into it.
#ifndef MULTI_BACKEND_LB_POLICY_BACKEND_POOL_H_
#define MULTI_BACKEND_LB_POLICY_BACKEND_POOL_H_

#include <atomic>
#include <cstdint>
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
#include "multi_backend/health/backend_state.h"
#include "multi_backend/lb_policy/backend.h"
#include "multi_backend/resolver/endpoint.h"

namespace multi_backend {

// One backend at one moment.
struct BackendSnapshot {
  std::string address;  // "ip:port".
  std::string name;     // The configured "host:port".
  std::string role;
  std::string zone;
  uint32_t weight = 0;
  BackendState state = BackendState::kAlive;
  // Neither marked nor unreachable.  One that drains (weight 0) can be healthy.
  bool healthy = true;
  std::string reason;  // Why it is in this state; "" = always has been.
  absl::Time since = absl::InfinitePast();  // In this state.
  int64_t in_flight = 0;
  uint64_t calls = 0;  // Attempts started.
  uint64_t failures = 0;
  uint64_t retries_landed = 0;
};

class BackendPool : public std::enable_shared_from_this<BackendPool> {
 public:
  static std::shared_ptr<BackendPool> Create();

  // All backends, whatever their health, by address.
  std::vector<BackendSnapshot> GetAllBackends() const;
  // Those that are neither marked nor unreachable.
  std::vector<BackendSnapshot> GetHealthyBackends() const;

  // Marks the backends with this address or configured name; acts on the very
  // next pick.  No-op for one that is unknown or marked so (its reason stays).
  void MarkHealthy(absl::string_view address,
                   absl::string_view reason = "manual");
  void MarkUnhealthy(absl::string_view address,
                     absl::string_view reason = "manual");

  // --- For LB policies -----------------------------------------------------

 private:
  struct Entry {
    BackendRef backend;
    size_t users = 0;
    // Of the users, those whose newest attempt to connect ended so.
    size_t connected_users = 0;
    size_t failed_users = 0;
    std::shared_ptr<const Endpoint> endpoint;
    std::string mark_reason;       // Of a manual mark; "" = none.
    std::string connection_error;  // The newest one.
    bool healthy = true;
    std::string reason;
    absl::Time since = absl::InfinitePast();
  };

 public:
  // A policy's use of one backend.  The backend is in the pool while anyone
  // uses it; a new one starts ALIVE.
  class Lease {
   public:
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    const BackendRef& backend() const { return backend_; }
    // Why the backend is marked unusable, for texts; "" when it is not.
    std::string UnusableReason() const;
    // What discovery says now.
    void SetEndpoint(std::shared_ptr<const Endpoint> endpoint);
    // How this user's newest attempt to connect ended.  The backend is DOWN
    // when some user's failed and nobody else is connected.
    void SetConnectionFailed(std::string why);
    void SetConnected();

   private:
    friend class BackendPool;
    Lease(std::shared_ptr<BackendPool> pool, Entry* entry);
    const std::shared_ptr<BackendPool> pool_;
    Entry* const entry_;  // Stays while it has users.
    const BackendRef backend_;
    // What counts this user; null before an attempt to connect has ended.
    size_t* counted_in_ ABSL_GUARDED_BY(pool_->mutex_) = nullptr;
  };

  std::unique_ptr<Lease> Acquire(absl::string_view address,
                                 absl::string_view name);

  // How many of the pool's backends are marked unusable; 0 spares a pick the
  // look at each.  Never less than the marks that a pick can see.
  std::shared_ptr<const std::atomic<uint32_t>> MarkedCount();

  // Calls `on_change` after each mark that changes something (not for changes
  // of connections).  A call may still be running after the watch's removal.
  using WatchId = uint64_t;
  WatchId AddWatch(std::function<void()> on_change);
  void RemoveWatch(WatchId id);

 private:
  using Key = std::pair<std::string, std::string>;  // Address, name.
  using Callback = std::shared_ptr<std::function<void()>>;

  BackendPool() = default;
  void Release(Entry* entry, size_t** counted_in);
  void Mark(absl::string_view address, absl::string_view reason, bool healthy);
  // Moves a user from the counter that counts it, if any, to `to` (or none).
  static void Recount(size_t** counted_in, size_t* to);
  // Follows a change of the fields that decide on health; `what` tells it.
  static void UpdateHealth(Entry& entry, absl::string_view what);
  static BackendSnapshot Snapshot(const Entry& entry);

  std::atomic<uint32_t> marked_{0};  // Written under mutex_.
  // Not absl::Mutex: in the distribution's build tsan does not see it.
  mutable std::mutex mutex_;
  std::map<Key, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::map<WatchId, Callback> watches_ ABSL_GUARDED_BY(mutex_);
  WatchId next_watch_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKEND_POOL_H_
