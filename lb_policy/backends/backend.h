// Backend: one server that calls can be sent to, shared by all channels of a
// BackendPool.
//
// Threads: any thread may use the counters and the load.  The object lives
// until its last reference is gone.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_BACKEND_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_BACKEND_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/lb_policy/backends/control.h"
#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/backends/health.h"
#include "multi_backend/lb_policy/backends/probe_log.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class Backend {
 public:
  // `address` is "ip:port".  `name` is the configured "host:port", or the same
  // as `address` when an IP address was configured.  `events` are those of the
  // backend's pool.
  Backend(std::string address, std::string name,
          std::shared_ptr<PoolEvents> events);

  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  const std::string& address() const { return address_; }
  const std::string& name() const { return name_.empty() ? address_ : name_; }
  // Unique in the process, never reused.
  uint32_t id() const { return id_; }
  // A hash of address and name, the same in every process.
  uint64_t hash() const { return hash_; }

  void Ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // Counts a call to this backend as in flight, unless as many are as its limit
  // allows.  Picks that run at the same time may all have found room for one
  // more call.  If the result is false, kAtLimit is set, so the next pick
  // passes over this backend.
  ABSL_MUST_USE_RESULT bool TryBeginCall() {
    if (limit_.load(std::memory_order_relaxed) != 0) {
      return TryBeginWatchedCall();
    }
    load.in_flight.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  // The same for a call that goes to this backend whatever its limit.
  void BeginCall() {
    const int64_t before =
        load.in_flight.fetch_add(1, std::memory_order_relaxed);
    const int64_t limit = limit_.load(std::memory_order_relaxed);
    if (limit != 0 && before + 1 >= limit) UpdateAtLimitFlag();
  }
  // Called when a call ends that one of these has counted.  They all keep
  // kAtLimit up to date.
  void EndCall() {
    const int64_t before =
        load.in_flight.fetch_sub(1, std::memory_order_acquire);
    if (before > kHandedOver / 2) return EndHandedOverCall();
    const int64_t limit = limit_.load(std::memory_order_relaxed);
    if (limit != 0 && before >= limit) OnCallEnded();
  }
  // The number of calls in flight at which the backend gets no more calls; 0 =
  // no limit.  One value serves all channels: the one set last is in force.
  void SetLimit(int limit);
  // Makes `heir` count the calls in flight, and their ends.  The pool calls it
  // at most once, when no call can begin on this backend any more.
  void HandOverCalls(Backend* heir);

  // Called when a call to this backend has succeeded.  On a healthy backend
  // this costs one load.  `trial` is as for BackendHealth::OnCallEnded().
  void OnAnswered(uint16_t trial) {
    if (trial == 0 && !load.wants_successes.load(std::memory_order_relaxed)) {
      return;
    }
    health.OnCallEnded(AttemptOutcome::kAnswered, "", trial);
  }

  // Called when a probe has ended.  Returns the delay until the next one.
  absl::Duration OnProbe(bool healthy, absl::string_view detail);

  LoadStats load;
  // Attempts started, attempts that ended as infrastructure failures, and
  // attempts that were retries of a call which failed elsewhere.
  std::atomic<uint64_t> calls{0};
  std::atomic<uint64_t> failures{0};
  std::atomic<uint64_t> retries_landed{0};
  // How often a channel that could not connect had reason to try again at once:
  // a probe succeeded, or the application asked for it.
  std::atomic<uint32_t> reconnect_requests{0};
  ProbeLog probes;
  BackendHealth health;
  BackendControl control;

  // Makes a change of `control` an event.
  void Record(PoolEvent::Kind kind, const BackendControl::Change& change,
              absl::string_view asked_by);
  // Call when `control` has changed, or a drain's time has come.  Records that
  // the backend is drained, if it is.  If the result is true, the caller must
  // call events->Notify().
  ABSL_MUST_USE_RESULT bool UpdateDrain();
  // Takes over what an operator has decided about `other`.
  void TakeOverControl(const Backend& other);
  // What has been decided about the backend, by health or an operator.
  bool IsDecided() const { return health.IsDecided() || control.IsDecided(); }
  // Whether the pool must know the backend when a channel lists it again.
  bool IsWorthRemembering() const {
    return IsDecided() || load.in_flight.load() > 0;
  }
  // As BackendHealth::Forget().
  void Forget(absl::string_view why);

 private:
  // What HandOverCalls() sets load.in_flight to; more than can be in flight.
  static constexpr int64_t kHandedOver = int64_t{1} << 62;

  ~Backend();
  void UpdateAtLimitFlag();
  bool TryBeginWatchedCall();
  // Sets limit_.
  void WatchCalls();
  // Called when a call has ended that limit_ asks for.
  void OnCallEnded();
  void EndHandedOverCall();

  std::atomic<uint64_t> refs_{1};
  // The number of calls in flight from which on calls that begin and end are
  // looked at: max_calls_, or 1 while the backend drains.  0 = never.
  std::atomic<int64_t> limit_{0};
  std::atomic<int64_t> max_calls_{0};
  Mutex limit_mutex_;  // Serialises the writers of limit_.
  const uint64_t hash_;
  const uint32_t id_;
  const std::shared_ptr<PoolEvents> events_;
  const std::string address_;
  const std::string name_;   // "" = the same as address_.
  Backend* heir_ = nullptr;  // Holds a reference; see HandOverCalls().
};

// Owns one reference to a Backend.
class BackendRef {
 public:
  BackendRef() = default;
  // Takes over the reference that the caller holds.
  static BackendRef Adopt(Backend* backend) { return BackendRef(backend); }
  static BackendRef New(Backend* backend) {
    backend->Ref();
    return BackendRef(backend);
  }
  BackendRef(const BackendRef& other) : backend_(other.backend_) {
    if (backend_ != nullptr) backend_->Ref();
  }
  BackendRef(BackendRef&& other) noexcept
      : backend_(std::exchange(other.backend_, nullptr)) {}
  BackendRef& operator=(BackendRef other) noexcept {
    std::swap(backend_, other.backend_);
    return *this;
  }
  ~BackendRef() {
    if (backend_ != nullptr) backend_->Unref();
  }

  Backend* get() const { return backend_; }
  Backend* operator->() const { return backend_; }
  Backend& operator*() const { return *backend_; }
  explicit operator bool() const { return backend_ != nullptr; }

 private:
  explicit BackendRef(Backend* backend) : backend_(backend) {}
  Backend* backend_ = nullptr;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_BACKEND_H_
