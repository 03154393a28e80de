// BackendPool: the single truth about backends' health, for one channel or
// shared between several (ChannelOptions::pool), and the window through which
// an application watches them.
//
// Threads: every method may be called from any thread.  Watch callbacks run on
// the thread that changed something, without a lock of the pool held, so they
// may call back into it.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/probes/prober.h"
#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/backends/health.h"
#include "multi_backend/lb_policy/backends/pool_time.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// One backend at one moment.
struct BackendSnapshot {
  std::string address;  // "ip:port".
  std::string name;     // The configured "host:port".
  std::string role;
  std::string zone;
  uint32_t weight = 0;
  BackendState state = BackendState::kAlive;
  // ALIVE or OVERLOADED.  One that drains (weight 0) can be healthy.
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

  // All backends, whatever their health, in the order of their addresses.
  std::vector<BackendSnapshot> GetAllBackends() const;
  // Those of them that are ALIVE or OVERLOADED.
  std::vector<BackendSnapshot> GetHealthyBackends() const;

  // Marks the backends with this address or configured name; acts on the very
  // next pick, and outranks what probes and calls say.  No-op for one that is
  // unknown or marked so (its reason stays).  MarkHealthy also brings one back
  // that probes or calls took out.
  void MarkHealthy(absl::string_view address,
                   absl::string_view reason = "manual");
  void MarkUnhealthy(absl::string_view address,
                     absl::string_view reason = "manual");

  // What happened, oldest first: the newest PoolEvents::kCapacity of those with
  // a larger sequence number than `after`.
  std::vector<PoolEvent> GetEvents(uint64_t after = 0) const {
    return events_->After(after);
  }

  // --- For LB policies -----------------------------------------------------

 private:
  struct Entry {
    BackendRef backend;
    size_t users = 0;
    std::shared_ptr<const Endpoint> endpoint;
    // Null without probes.
    std::unique_ptr<Prober> prober;
    std::shared_ptr<const HealthConfig> probed_as;  // Null without a prober.
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
    // Why picks pass it by, for texts; "" when they do not.
    std::string UnusableReason() const;
    // What discovery says now.
    void SetEndpoint(std::shared_ptr<const Endpoint> endpoint);
    // The channel's settings; the newest of all users hold.  `make_probe`: for
    // `health.active`, if it needs one: one prober serves all users.  Null from
    // it: it cannot be probed.
    void Configure(std::shared_ptr<const HealthConfig> health, int max_requests,
                   const std::function<std::unique_ptr<Probe>()>& make_probe);
    // How this user's newest attempt to connect ended.  The backend is DOWN
    // when some user's failed and nobody else is connected.
    void SetConnectionFailed(absl::string_view why);
    void SetConnected();

   private:
    friend class BackendPool;
    Lease(std::shared_ptr<BackendPool> pool, Entry* entry);
    void SetConnection(BackendHealth::Connection connection,
                       absl::string_view why);
    const std::shared_ptr<BackendPool> pool_;
    Entry* const entry_;  // Stays while it has users.
    const BackendRef backend_;
    BackendHealth::Connection connection_ = BackendHealth::Connection::kNone;
  };

  std::unique_ptr<Lease> Acquire(absl::string_view address,
                                 absl::string_view name);

  // A pool with a clock and timers of its own, for tests.
  static std::shared_ptr<BackendPool> Create(PoolTime time);

  // A channel will acquire so many: spares their map its growth.
  void Expect(size_t backends);

  const std::shared_ptr<PoolEvents>& events() const { return events_; }

 private:
  // Address and name, as the backend has them.
  using Key = std::pair<absl::string_view, absl::string_view>;

  explicit BackendPool(PoolTime time)
      : events_(std::make_shared<PoolEvents>(std::move(time))) {}
  void Release(Entry* entry);
  std::vector<BackendRef> Named(absl::string_view address) const;
  static BackendSnapshot Snapshot(const Entry& entry);
  static void Sort(std::vector<BackendSnapshot>* backends);

  const std::shared_ptr<PoolEvents> events_;
  // Not absl::Mutex: in the distribution's build tsan does not see it.
  mutable std::mutex mutex_;
  absl::flat_hash_map<Key, std::unique_ptr<Entry>> entries_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_
