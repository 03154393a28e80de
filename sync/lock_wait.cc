#include "multi_backend/sync/lock_wait.h"

namespace multi_backend {

std::atomic<int64_t> LockWait::total_{0};

void LockWait::Lock(std::mutex& mutex) {
  const auto begin = std::chrono::steady_clock::now();
  mutex.lock();
  const std::chrono::nanoseconds waited =
      std::chrono::steady_clock::now() - begin;
  total_.fetch_add(waited.count(), std::memory_order_relaxed);
}

}  // namespace multi_backend
