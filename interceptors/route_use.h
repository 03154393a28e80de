// RouteUse: how often one routing rule has decided, and on which method last.
//
// Thread-safe.  Cost of Count(): two relaxed atomics, and a copy of the method
// when it is another one than the last.  It never waits: while another thread
// holds the lock, the last method stays as it is.
#ifndef MULTI_BACKEND_INTERCEPTORS_ROUTE_USE_H_
#define MULTI_BACKEND_INTERCEPTORS_ROUTE_USE_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class RouteUse {
 public:
  // Longer names are cut, because a generic stub may make up any name.
  static constexpr size_t kMaxMethodBytes = 200;

  // The rule has decided a call of `method`, whose hash is `hash`.
  void Count(absl::string_view method, uint64_t hash) {
    matches_.fetch_add(1, std::memory_order_relaxed);
    if (last_hash_.load(std::memory_order_relaxed) == hash) return;
    if (!mutex_.TryLock()) return;
    // Keeps the string's memory, so a rule of many methods allocates nothing.
    last_method_.assign(method.data(),
                        std::min(method.size(), kMaxMethodBytes));
    last_hash_.store(hash, std::memory_order_relaxed);
    mutex_.Unlock();
  }

  uint64_t matches() const { return matches_.load(std::memory_order_relaxed); }
  // The last method, or one shortly before; "" = none yet.
  std::string last_method() const {
    MutexLock lock(&mutex_);
    return last_method_;
  }

 private:
  friend class RouteUsePeer;  // For tests.

  std::atomic<uint64_t> matches_{0};
  std::atomic<uint64_t> last_hash_{0};
  mutable Mutex mutex_;
  std::string last_method_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_ROUTE_USE_H_
