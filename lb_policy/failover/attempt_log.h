// AttemptLog: the attempts of one call, from its first pick to its end.
//
// It lives in the call's arena, which never runs a destructor, so it is
// trivially destructible.
//
// Threads: any.  The picks of one call follow each other, but an attempt that
// was given up may end at any later time, beside a pick or a decision.  So
// every field is atomic.  Relaxed order is enough: each reader needs one field
// at a time, and what a retry's pick reads was written before core decided to
// retry.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_ATTEMPT_LOG_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_ATTEMPT_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "multi_backend/lb_policy/tried_backends.h"

namespace multi_backend {

class AttemptLog {
 public:
  // The state of the newest attempt, as OnDecided() reports it.
  enum class Newest {
    kNone,      // Nothing has been sent, or nothing since the last retry.
    kOpen,      // On its way.
    kFailed,    // Ended, and a retry would be wrong.
    kRetriable  // Ended in a way that allows a retry.
  };

  // The number of attempts started.
  int attempts() const { return attempts_.load(std::memory_order_relaxed); }

  TriedBackends tried() const {
    TriedBackends tried;
    if (attempts() == 0) return tried;
    for (const auto& id : tried_) {
      const uint32_t backend = id.load(std::memory_order_relaxed);
      if (backend != 0) tried.Add(backend);
    }
    return tried;
  }
  uint32_t last_backend() const {
    return last_backend_.load(std::memory_order_relaxed);
  }

  // Whether the coming pick is a transparent retry: core replays an attempt
  // that never reached a server, and nobody decides on that.  Its backend may
  // be tried again when there is no other.
  bool IsTransparentRetry() const { return attempts() > 0 && !IsDecided(); }

  // Whether it was decided what follows the newest attempt.
  bool IsDecided() const { return decided_.load(std::memory_order_relaxed); }

  // Whether the newest attempt has neither ended nor run into perTryTimeout.
  bool IsOpen() const {
    return newest_.load(std::memory_order_relaxed) == Newest::kOpen &&
           !IsDecided();
  }

  // Call when an attempt on `backend` (not 0) starts.  Returns the attempt's
  // number, from 1.
  int OnStarted(uint32_t backend) {
    const int attempt = attempts() + 1;
    tried_[static_cast<size_t>(attempt - 1) % TriedBackends::kCapacity].store(
        backend, std::memory_order_relaxed);
    last_backend_.store(backend, std::memory_order_relaxed);
    decided_.store(false, std::memory_order_relaxed);
    pick_failed_.store(false, std::memory_order_relaxed);
    connect_wait_until_.store(0, std::memory_order_relaxed);
    newest_.store(Newest::kOpen, std::memory_order_relaxed);
    attempts_.store(attempt, std::memory_order_relaxed);
    return attempt;
  }

  // Call when attempt number `attempt` has ended with an error.  `status` must
  // live as long as the call.
  void OnFailed(int attempt, const absl::Status* status, bool retriable) {
    // An attempt that was given up may end after its successor has started.
    if (attempt != attempts()) return;
    last_status_.store(status, std::memory_order_relaxed);
    newest_.store(retriable ? Newest::kRetriable : Newest::kFailed,
                  std::memory_order_relaxed);
  }

  // Null when no attempt has reported an error yet.
  const absl::Status* last_status() const {
    return last_status_.load(std::memory_order_relaxed);
  }

  // Call when a pick finds only backends that are still being connected.
  // Returns until when the call may wait for them: without bound before it has
  // an answer of a backend, and as long as `max_wait` for each retry.
  // Nanoseconds of one clock; INT64_MAX = no bound.
  int64_t ConnectWaitUntil(int64_t now, int64_t max_wait) {
    if (attempts() == 0 || IsTransparentRetry()) return INT64_MAX;
    return BoundedConnectWaitUntil(now, max_wait);
  }

  // Call when a pick finds a backend whose connections are all full, or none
  // but untried ones that cannot take a call yet.  Returns until when the call
  // may wait for another one: `max_wait` after the first call of this function
  // since the newest attempt started.
  int64_t BoundedConnectWaitUntil(int64_t now, int64_t max_wait) {
    int64_t until = connect_wait_until_.load(std::memory_order_relaxed);
    if (until == 0) {
      until = now + max_wait;
      connect_wait_until_.store(until, std::memory_order_relaxed);
    }
    return until;
  }

  // When the newest attempt started, in milliseconds of the caller's clock.
  // Used in channels with perTryTimeout.
  void SetStart(int64_t millis) {
    start_millis_.store(millis, std::memory_order_relaxed);
  }
  int64_t start_millis() const {
    return start_millis_.load(std::memory_order_relaxed);
  }

  // Marks the newest attempt as ended without a fault of its backend: the
  // backend may be tried again, and the status of the attempt must be ignored.
  void VoidNewest() {
    const int attempt = attempts();
    tried_[static_cast<size_t>(attempt - 1) % TriedBackends::kCapacity].store(
        0, std::memory_order_relaxed);
    voided_.store(attempt, std::memory_order_relaxed);
  }
  bool IsVoid(int attempt) const {
    return voided_.load(std::memory_order_relaxed) == attempt;
  }

  // Call when the newest attempt has run into perTryTimeout.
  void TimeOutNewest() {
    timed_out_.store(attempts(), std::memory_order_relaxed);
  }
  bool HasTimedOut(int attempt) const {
    return timed_out_.load(std::memory_order_relaxed) == attempt;
  }

  // The number of retries granted to core.  Transparent retries do not count.
  int retries_granted() const {
    return retries_granted_.load(std::memory_order_relaxed);
  }
  void OnRetryGranted() {
    retries_granted_.fetch_add(1, std::memory_order_relaxed);
  }

  // Call when a pick found no backend and failed the call.
  void OnPickFailed() { pick_failed_.store(true, std::memory_order_relaxed); }
  bool pick_failed() const {
    return pick_failed_.load(std::memory_order_relaxed);
  }

  // Call when it is decided what follows the newest attempt.  Returns its
  // state, and kNone from the second call on.
  Newest OnDecided() {
    if (decided_.exchange(true, std::memory_order_relaxed))
      return Newest::kNone;
    return newest_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<int> attempts_{0};
  std::atomic<uint32_t> last_backend_{0};
  std::atomic<Newest> newest_{Newest::kNone};
  std::atomic<bool> decided_{false};
  std::atomic<bool> pick_failed_{false};
  std::atomic<int> retries_granted_{0};
  std::atomic<int> voided_{0};     // The attempt's number; 0 = none.
  std::atomic<int> timed_out_{0};  // The attempt's number; 0 = none.
  std::atomic<int64_t> start_millis_{0};
  std::atomic<int64_t> connect_wait_until_{0};  // 0 = does not wait.
  std::atomic<const absl::Status*> last_status_{nullptr};
  std::atomic<uint32_t> tried_[TriedBackends::kCapacity] = {};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_ATTEMPT_LOG_H_
