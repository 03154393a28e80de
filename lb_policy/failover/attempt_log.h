// AttemptLog: the attempts of one call, from its first pick to its end.
//
// Lives inside the call's arena, so it is trivially destructible.
//
// Threads: picks and attempt starts touch it under the channel's pick lock,
// core's retry code and the attempts' ends elsewhere, and an attempt that was
// given up may end at any later time; so every field is atomic.  Each reader
// needs one field at a time, and relaxed order does: what a retry's pick reads
// was written before core decided to retry.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_ATTEMPT_LOG_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_ATTEMPT_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "multi_backend/lb_policy/pick_request.h"

namespace multi_backend {

class AttemptLog {
 public:
  // How the newest attempt stands.
  enum class Newest {
    kNone,      // Nothing has been sent, or nothing since the last retry.
    kOpen,      // On its way.
    kFailed,    // Ended, and a retry would be wrong.
    kRetriable  // Ended in a way that allows a retry.
  };

  // Attempts started.
  int attempts() const { return attempts_.load(std::memory_order_relaxed); }

  TriedBackends tried() const {
    TriedBackends tried;
    for (const auto& id : tried_) {
      const uint32_t backend = id.load(std::memory_order_relaxed);
      if (backend != 0) tried.Add(backend);
    }
    return tried;
  }
  uint32_t last_backend() const {
    return last_backend_.load(std::memory_order_relaxed);
  }

  // Core replays an attempt that never reached a server without asking whether
  // to retry; its backend may be tried again when there is no other.
  bool IsTransparentRetry() const {
    return attempts() > 0 && !asked_.load(std::memory_order_relaxed);
  }

  // An attempt on `backend` (not 0) starts; returns its number, from 1.
  int OnStarted(uint32_t backend) {
    const int attempt = attempts() + 1;
    tried_[static_cast<size_t>(attempt - 1) % TriedBackends::kCapacity].store(
        backend, std::memory_order_relaxed);
    last_backend_.store(backend, std::memory_order_relaxed);
    asked_.store(false, std::memory_order_relaxed);
    pick_failed_.store(false, std::memory_order_relaxed);
    newest_.store(Newest::kOpen, std::memory_order_relaxed);
    attempts_.store(attempt, std::memory_order_relaxed);
    return attempt;
  }

  // Attempt number `attempt` has ended with an error.  `status` must live as
  // long as the call.
  void OnFailed(int attempt, const absl::Status* status, bool retriable) {
    // One that was given up ends after its successor has started.
    if (attempt != attempts()) return;
    last_status_.store(status, std::memory_order_relaxed);
    newest_.store(retriable ? Newest::kRetriable : Newest::kFailed,
                  std::memory_order_relaxed);
  }

  // Null when no attempt has reported an error yet.
  const absl::Status* last_status() const {
    return last_status_.load(std::memory_order_relaxed);
  }

  // When the newest attempt started, for a channel with perTryTimeout.
  // Milliseconds of whatever clock the caller has.
  void SetStart(int64_t millis) {
    start_millis_.store(millis, std::memory_order_relaxed);
  }
  int64_t start_millis() const {
    return start_millis_.load(std::memory_order_relaxed);
  }

  // The newest attempt is ended without a fault of its backend, which may be
  // tried again; what its end says is not to be believed.
  void VoidNewest() {
    const int attempt = attempts();
    tried_[static_cast<size_t>(attempt - 1) % TriedBackends::kCapacity].store(
        0, std::memory_order_relaxed);
    voided_.store(attempt, std::memory_order_relaxed);
  }
  bool IsVoid(int attempt) const {
    return voided_.load(std::memory_order_relaxed) == attempt;
  }

  // Retries that core has been granted; replays that it makes by itself do not
  // count.
  int retries_granted() const {
    return retries_granted_.load(std::memory_order_relaxed);
  }
  void OnRetryGranted() {
    retries_granted_.fetch_add(1, std::memory_order_relaxed);
  }

  // A pick found no backend and told the caller so.
  void OnPickFailed() { pick_failed_.store(true, std::memory_order_relaxed); }
  bool pick_failed() const {
    return pick_failed_.load(std::memory_order_relaxed);
  }

  // Core asks whether to retry; returns how the newest attempt stands.
  Newest OnAsked() {
    if (asked_.exchange(true, std::memory_order_relaxed)) return Newest::kNone;
    return newest_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<int> attempts_{0};
  std::atomic<uint32_t> last_backend_{0};
  std::atomic<Newest> newest_{Newest::kNone};
  std::atomic<bool> asked_{false};
  std::atomic<bool> pick_failed_{false};
  std::atomic<int> retries_granted_{0};
  std::atomic<int> voided_{0};  // Number of the attempt.
  std::atomic<int64_t> start_millis_{0};
  std::atomic<const absl::Status*> last_status_{nullptr};
  std::atomic<uint32_t> tried_[TriedBackends::kCapacity] = {};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_ATTEMPT_LOG_H_
