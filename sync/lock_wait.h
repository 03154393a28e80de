// LockWait: how long threads of this process have waited for locks of the
// library, in sum.  A lock that is free costs no look at the clock.
//
// Threads: any.
#ifndef MULTI_BACKEND_SYNC_LOCK_WAIT_H_
#define MULTI_BACKEND_SYNC_LOCK_WAIT_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace multi_backend {

class LockWait {
 public:
  static std::chrono::nanoseconds Total() {
    return std::chrono::nanoseconds(total_.load(std::memory_order_relaxed));
  }
  // Locks `mutex`, which another thread holds, and counts the time.
  static void Lock(std::mutex& mutex);

 private:
  static std::atomic<int64_t> total_;  // Nanoseconds.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_SYNC_LOCK_WAIT_H_
