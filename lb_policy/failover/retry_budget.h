// RetryBudget: bounds retries to a share of recent calls plus a constant rate,
// so that retries cannot multiply the load of a cluster that is already
// overloaded.
//
// The idea is Finagle's RetryBudget: over a sliding window of 10 seconds,
//   retries <= ratio * calls + min_retries_per_second * 10.
// A retry is charged when it is granted, so retries that still wait in their
// backoff count too.
//
// Threads: two OnCall() must not run at the same time.  TryRetry() may run at
// any time on any thread.
//
// Cost: OnCall() is a plain store for 31 of 32 calls; TryRetry() takes a lock.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_BUDGET_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_BUDGET_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class RetryBudget {
 public:
  // Finagle's default.  It is long enough to smooth bursts, and short enough
  // that the calls of a busy minute do not pay for a retry storm in a quiet
  // one.
  static constexpr int64_t kWindowSeconds = 10;

  // `ratio` of retries to calls and `min_retries_per_second` are >= 0.
  RetryBudget(double ratio, double min_retries_per_second);

  // Call when a call begins.  `now_seconds()` returns monotonic time in whole
  // seconds, not negative.  It is called only once per kBatch calls, and all
  // calls of that batch are counted at its time.
  template <typename NowSeconds>
  void OnCall(NowSeconds now_seconds) {
    const int64_t pending = pending_.load(std::memory_order_relaxed) + 1;
    if (pending < kBatch) {
      pending_.store(pending, std::memory_order_relaxed);
      return;
    }
    pending_.store(0, std::memory_order_relaxed);
    Count(calls_, now_seconds(), pending);
  }

  // Returns whether one more retry fits the budget, and charges it if so.
  bool TryRetry(int64_t now_seconds);

 private:
  // Small compared with the calls in a window where the budget matters.
  static constexpr int64_t kBatch = 32;

  struct Bucket {
    std::atomic<int64_t> second{INT64_MIN};
    std::atomic<int64_t> count{0};
  };
  using Window = std::array<Bucket, kWindowSeconds>;

  static size_t Index(int64_t second) {
    return static_cast<size_t>(static_cast<uint64_t>(second) % kWindowSeconds);
  }
  // The caller serialises the calls for one window.
  static void Count(Window& window, int64_t now_seconds, int64_t count);
  static int64_t Sum(const Window& window, int64_t now_seconds);

  const double ratio_;
  const double reserve_;
  Window calls_;
  std::atomic<int64_t> pending_{0};  // Calls in no bucket yet.
  Mutex mutex_;
  Window retries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_BUDGET_H_
