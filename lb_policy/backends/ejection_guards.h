// EjectionGuards: the channels that share a pool, each of which may forbid that
// failed calls take a backend out.
//
// Threads: any.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_EJECTION_GUARDS_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_EJECTION_GUARDS_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class Backend;

class EjectionGuards {
 public:
  // Returns whether the channel can do without `backend`.  It is called with
  // locks of `backend` held, so it must not call a backend's health or the
  // pool, except for BackendHealth::IsEjected().
  using Guard = std::function<bool(const Backend& backend)>;

  uint64_t Add(Guard guard) {
    MutexLock lock(&mutex_);
    guards_[++last_id_] = std::move(guard);
    return last_id_;
  }
  // Waits for a guard that is running.
  void Remove(uint64_t id) {
    MutexLock lock(&mutex_);
    guards_.erase(id);
  }

  // One backend's turn to be ejected.  As long as it lives no other backend is,
  // so two backends never both take the last place.
  class Turn {
   public:
    explicit Turn(EjectionGuards& guards) ABSL_NO_THREAD_SAFETY_ANALYSIS
        : guards_(guards) {
      guards_.turn_.Lock();
    }
    ~Turn() ABSL_NO_THREAD_SAFETY_ANALYSIS { guards_.turn_.Unlock(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // Whether all channels can do without `backend`.
    bool Allows(const Backend& backend) const {
      MutexLock lock(&guards_.mutex_);
      return std::all_of(
          guards_.guards_.begin(), guards_.guards_.end(),
          [&backend](const auto& guard) { return guard.second(backend); });
    }

   private:
    EjectionGuards& guards_;
  };

 private:
  Mutex turn_;
  Mutex mutex_;
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Guard> guards_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_EJECTION_GUARDS_H_
