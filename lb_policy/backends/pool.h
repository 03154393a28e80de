// BackendPool: the health of backends, kept once for all channels that share
// the pool (ChannelExtras::pool), and the interface through which an
// application watches and marks backends.
//
// Cost: GetAllBackends() and GetHealthyBackends() are O(n log n), marking is
// O(n) in the number of backends.
//
// Threads: every method of BackendPool may be called from any thread.  Watch
// callbacks run on the thread that changed something, with no lock of the pool
// held, so they may call the pool.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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
#include "multi_backend/lb_policy/backends/snapshot.h"
#include "multi_backend/lb_policy/link_state.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class BackendPool : public std::enable_shared_from_this<BackendPool> {
 public:
  static std::shared_ptr<BackendPool> Create();

  // All backends, whatever their health, ordered by address.
  std::vector<BackendSnapshot> GetAllBackends() const;
  // The backends that are ALIVE or OVERLOADED, ordered by address.
  std::vector<BackendSnapshot> GetHealthyBackends() const;

  // Marks all backends with this address or configured name.  A mark acts on
  // the very next pick and outranks what probes and calls say.  Does nothing
  // for an unknown backend, or for one that has this mark already (its reason
  // stays).  MarkHealthy() also brings back a backend that probes or calls took
  // out.
  void MarkHealthy(absl::string_view address,
                   absl::string_view reason = "manual");
  void MarkUnhealthy(absl::string_view address,
                     absl::string_view reason = "manual");

  // Past events, oldest first: of the newest PoolEvents::kCapacity events those
  // with a sequence number larger than `after`.
  std::vector<PoolEvent> GetEvents(uint64_t after = 0) const {
    return events_->After(after);
  }

  // --- For LB policies -----------------------------------------------------

 private:
  struct Entry {
    BackendRef backend;
    size_t users = 0;
    std::shared_ptr<const Endpoint> endpoint;
    // Null when the backend is not probed.
    std::unique_ptr<Prober> prober;
    std::shared_ptr<const HealthConfig>
        probed_as;  // The configuration of `prober`; null without one.
  };

 public:
  // One policy's use of one backend.  A backend is in the pool as long as a
  // lease for it exists; a new backend starts ALIVE.  A lease belongs to one
  // policy, which must not call SetEndpoint(), Configure() and SetLinkState()
  // at the same time.
  class Lease {
   public:
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    const BackendRef& backend() const { return backend_; }
    // Returns why picks must not choose this backend, for messages; "" if they
    // may.
    std::string UnusableReason() const;
    // Sets what discovery says about the backend now.
    void SetEndpoint(std::shared_ptr<const Endpoint> endpoint);
    // Applies the channel's settings; the settings of the lease that called
    // this last are in force.  `make_probe` is called when `health.active`
    // needs a new prober; one prober serves all leases.  When `make_probe`
    // returns null, the backend is not probed.
    void Configure(std::shared_ptr<const HealthConfig> health, int max_requests,
                   const std::function<std::unique_ptr<Probe>()>& make_probe);
    // Sets the state of this channel's connection to the backend; `why` is the
    // error, with kFailed.  The backend is DOWN when the newest attempt of
    // some channel failed and no channel is connected.
    void SetLinkState(LinkState state, absl::string_view why = "");

   private:
    friend class BackendPool;
    Lease(std::shared_ptr<BackendPool> pool, Entry* entry);
    const std::shared_ptr<BackendPool> pool_;
    // Valid while a lease exists.
    Entry* const entry_ ABSL_PT_GUARDED_BY(pool_->mutex_);
    const BackendRef backend_;
    LinkState link_ = LinkState::kConnecting;
  };

  std::unique_ptr<Lease> Acquire(absl::string_view address,
                                 absl::string_view name);

  // Makes a pool with its own clock and timers, for tests.
  static std::shared_ptr<BackendPool> Create(PoolTime time);

  // Prepares the pool for a channel that will acquire `backends` leases.
  void Reserve(size_t backends);

  const std::shared_ptr<PoolEvents>& events() const { return events_; }

 private:
  // Address and name; the views point into the Backend.
  using Key = std::pair<absl::string_view, absl::string_view>;

  explicit BackendPool(PoolTime time)
      : events_(std::make_shared<PoolEvents>(std::move(time))) {}
  void Release(Entry* entry) ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<BackendRef> Named(absl::string_view address) const;
  static BackendSnapshot Snapshot(const Entry& entry);
  static void Sort(std::vector<BackendSnapshot>* backends);

  const std::shared_ptr<PoolEvents> events_;
  mutable Mutex mutex_;
  absl::flat_hash_map<Key, std::unique_ptr<Entry>> entries_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_
