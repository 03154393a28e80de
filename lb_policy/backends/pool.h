// BackendPool: the health of backends, kept once for all channels that share
// the pool (ChannelExtras::pool), and the interface through which an
// application watches, marks and drains backends.
//
// What the application or health has decided about a backend outlives its place
// in the lists of channels: a mark, a drain, a weight, and a DOWN or OVERLOADED
// that calls or probes caused.  It holds when a list leaves the backend out and
// brings it back, when the same address comes back under another name, when a
// channel goes idle, and before the first channel.  Such a backend is absent
// (BackendSnapshot::absent).  Times go on meanwhile, so an ejection ends when
// it would have ended anyway.  Addresses are reused, so the pool forgets an
// absent backend after BackendPoolOptions::remember_absent.
//
// Cost: GetAllBackends(), GetHealthyBackends() and marking are O(n) in the
// number of backends.  A backend takes about 1 KB.
//
// Threads: every method of BackendPool may be called from any thread.  Watch
// callbacks run on the thread that changed something, with no lock of the pool
// held, so they may call the pool.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/probes/prober.h"
#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/control.h"
#include "multi_backend/lb_policy/backends/event_watch.h"
#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/backends/health.h"
#include "multi_backend/lb_policy/backends/pool_time.h"
#include "multi_backend/lb_policy/backends/snapshot.h"
#include "multi_backend/lb_policy/link_state.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

struct BackendPoolOptions {
  // How long the pool remembers a backend that no channel lists.  The time
  // begins when the last channel drops it, or with the newest mark if that is
  // later.  Zero or less = not at all.
  absl::Duration remember_absent = absl::Minutes(10);
  // How many absent backends the pool remembers.  When there are more, it
  // forgets those that were absent longest; the first time is an event.
  size_t max_absent = 10'000;
};

struct DrainOptions {
  // How long calls in flight may take before the backend counts as drained
  // nevertheless.  InfiniteDuration = until they end.  Not negative.
  absl::Duration timeout = absl::Seconds(30);
  std::string reason = "manual";  // For events and error texts.
  std::string asked_by;           // The person or program, for events.
};

class BackendPool : public std::enable_shared_from_this<BackendPool> {
 public:
  static std::shared_ptr<BackendPool> Create(BackendPoolOptions options = {});

  // All backends that channels list, whatever their health, and the absent ones
  // that are not ALIVE; ordered by address.
  std::vector<BackendSnapshot> GetAllBackends() const;
  // The backends that channels list and that are ALIVE or OVERLOADED, ordered
  // by address.
  std::vector<BackendSnapshot> GetHealthyBackends() const;

  // MarkUnhealthy() takes all backends with this address or configured name out
  // of use, until MarkHealthy().  It acts on the very next pick and outranks
  // what probes and calls say.  When no channel lists such a backend, the pool
  // remembers the mark for one that comes.  Does nothing for a backend that has
  // a mark already (its reason stays).
  //
  // MarkHealthy() ends a mark, and also a DOWN or OVERLOADED that probes or
  // calls caused, and their counts begin anew.  It promises nothing for later:
  // the next failed probes or calls may take the backend down again.  Nor does
  // it connect a backend whose connection has failed.
  //
  // `asked_by` is the person or program that asked, for events.
  void MarkHealthy(absl::string_view address,
                   absl::string_view reason = "manual",
                   absl::string_view asked_by = "");
  void MarkUnhealthy(absl::string_view address,
                     absl::string_view reason = "manual",
                     absl::string_view asked_by = "");

  // The following actions, too, are for all backends with this address or
  // configured name, in all channels of the pool.  What they decide outlives
  // lists as marks do, also for an address that no channel lists yet.  Each
  // change is an event.  docs/control.md says how they go together with health,
  // sticky keys and slow start.
  //
  // INVALID_ARGUMENT when `address` is no "host:port" and no "unix:…", or
  // another argument is out of its bounds.  NOT_FOUND when no such backend is
  // known and the action does not remember it.

  // Takes the backends out of use without failing a call: they get no new
  // calls, and at last none with a sticky key.  Each is drained when no call is
  // in flight or the timeout is over (BackendSnapshot::drained, and an event).
  // It then stays out until Undrain().  A second call while the backend drains
  // gives it another timeout.
  absl::Status Drain(absl::string_view address, const DrainOptions& options);
  absl::Status Drain(absl::string_view address) {
    return Drain(address, DrainOptions());
  }
  // Ends a drain, done or not.  The backend then goes through slow start, as
  // one that came back.  Does nothing for a backend that does not drain.
  absl::Status Undrain(absl::string_view address,
                       absl::string_view asked_by = "");
  // Replaces the weight that the list gives, 1 to 1,000,000, until
  // ResetWeight().
  absl::Status SetWeight(absl::string_view address, uint32_t weight,
                         absl::string_view asked_by = "");
  absl::Status ResetWeight(absl::string_view address,
                           absl::string_view asked_by = "");
  // Makes every channel that could not connect to the backends try again now.
  absl::Status ResetBackoff(absl::string_view address,
                            absl::string_view asked_by = "");

  // The events from now on, for the application to take when it likes.
  std::unique_ptr<PoolEventWatch> Watch(size_t capacity = 1024) const {
    return std::make_unique<PoolEventWatch>(events_, capacity);
  }

  // Past events, oldest first: of the newest PoolEvents::kCapacity events those
  // with a sequence number larger than `after`.
  std::vector<PoolEvent> GetEvents(uint64_t after = 0) const {
    return events_->After(after);
  }

  // --- For LB policies -----------------------------------------------------

 private:
  struct Entry {
    BackendRef backend;
    size_t users = 0;  // 0 = absent.
    // Only while it is absent.
    absl::Time absent_since;
    std::list<Entry*>::iterator absent_position;
    // It was marked by this address, so that the mark is for all its names.
    bool marked_by_address = false;
    // The same of what an operator has decided (BackendControl).
    bool controlled_by_address = false;
    // The backend that has taken its place under another name; else null.
    BackendRef successor;
    std::shared_ptr<const Endpoint> endpoint;
    // Null when the backend is not probed.
    std::unique_ptr<Prober> prober;
    std::shared_ptr<const HealthConfig>
        probed_as;  // The configuration of `prober`; null without one.
  };

 public:
  // One policy's use of one backend.  A backend without a lease is absent.  A
  // backend of which the pool remembers nothing starts ALIVE.  A lease belongs
  // to one policy, which must not call SetEndpoint(), Configure() and
  // SetLinkState() at the same time.
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

  // `renamed` is a lease of the same address under another name, if the new one
  // takes its place in the channel's list; else null.  The new backend then
  // takes over what was decided, and the calls in flight when the old one goes.
  std::unique_ptr<Lease> Acquire(absl::string_view address,
                                 absl::string_view name,
                                 const Lease* renamed = nullptr);

  // Makes a pool with its own clock and timers, for tests.
  static std::shared_ptr<BackendPool> Create(PoolTime time,
                                             BackendPoolOptions options = {});

  // The absent ones of GetAllBackends(), in no order; O(absent).
  std::vector<BackendSnapshot> GetAbsentBackends() const;

  const std::shared_ptr<PoolEvents>& events() const { return events_; }

 private:
  // Address and name; the views point into the Backend.
  using Key = std::pair<absl::string_view, absl::string_view>;
  using Entries = absl::btree_map<Key, std::unique_ptr<Entry>>;

  BackendPool(PoolTime time, const BackendPoolOptions& options)
      : options_(options),
        events_(std::make_shared<PoolEvents>(std::move(time))) {}
  void Release(Entry* entry) ABSL_LOCKS_EXCLUDED(mutex_);

  Entry& AddLocked(absl::string_view address, absl::string_view name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives `added`, a new entry, what is known about its address or its name.
  void InheritLocked(Entry& added, Entry* renamed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The parts of it: what health, and what an operator has decided.  The first
  // of `sources` counts most.
  static void InheritHealth(const std::vector<Entry*>& sources, Entry& added);
  static void InheritControl(const std::vector<Entry*>& sources, Entry& added);
  void BeginAbsenceLocked(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndAbsenceLocked(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Removes an absent entry.
  void DropLocked(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forgets the absent backends whose time is over, or that are too many.
  void ForgetLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The entries with this address or name.
  std::vector<Entry*> NamedLocked(absl::string_view address)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same, or a new absent entry, if the pool remembers absent ones.
  std::vector<Entry*> NamedOrNewLocked(absl::string_view address)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The time for which the absent ones are remembered begins anew.
  void RenewAbsenceLocked(const std::vector<Entry*>& entries)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Lets `decide` change what an operator has decided about these backends, and
  // records it.  `remember`: also about one that is not known.
  using Decide = absl::FunctionRef<absl::optional<BackendControl::Change>(
      BackendControl& control)>;
  absl::Status Control(absl::string_view address, bool remember,
                       PoolEvent::Kind kind, absl::string_view asked_by,
                       Decide decide) ABSL_LOCKS_EXCLUDED(mutex_);
  void UpdateDrainsAfter(absl::Duration delay) ABSL_LOCKS_EXCLUDED(mutex_);
  void UpdateDrains() ABSL_LOCKS_EXCLUDED(mutex_);
  static BackendSnapshot Snapshot(const Entry& entry);
  // Whether GetAllBackends() shows this absent entry.
  bool IsShownLocked(const Entry& absent) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const BackendPoolOptions options_;
  const std::shared_ptr<PoolEvents> events_;
  mutable Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  // Those without users, the one that has been absent longest first.
  std::list<Entry*> absent_ ABSL_GUARDED_BY(mutex_);
  bool said_too_many_ ABSL_GUARDED_BY(mutex_) = false;
  // Null until a drain needs them.
  std::shared_ptr<Timers> drain_timers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_POOL_H_
