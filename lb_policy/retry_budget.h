// RetryBudget: bounds retries to a share of recent calls plus a constant rate,
// so that retries cannot multiply the load of a cluster that is already ill.
//
// The idea is Finagle's RetryBudget: over a sliding window of 10 seconds,
//   retries <= ratio * calls + min_retries_per_second * 10.
// A retry is charged when it is decided, so retries that still wait in backoff
// count too.
//
// Threads: OnCall() calls must be serialised among themselves (picks are);
// TryRetry() may run at the same time, from any thread.  Cost: OnCall() two
// plain stores.
#ifndef MULTI_BACKEND_LB_POLICY_RETRY_BUDGET_H_
#define MULTI_BACKEND_LB_POLICY_RETRY_BUDGET_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace multi_backend {

class RetryBudget {
 public:
  // Long enough to smooth bursts, short enough that calls of a busy minute do
  // not pay for a storm in a quiet one; Finagle's default.
  static constexpr int64_t kWindowSeconds = 10;

  // `ratio` of retries to calls, >= 0; `min_retries_per_second` >= 0.
  RetryBudget(double ratio, double min_retries_per_second);

  // A call begins.  `now_seconds`: monotonic, whole seconds.
  void OnCall(int64_t now_seconds) {
    Bucket& bucket = calls_[Index(now_seconds)];
    if (bucket.second.load(std::memory_order_relaxed) != now_seconds) {
      bucket.count.store(0, std::memory_order_relaxed);
      bucket.second.store(now_seconds, std::memory_order_relaxed);
    }
    bucket.count.store(bucket.count.load(std::memory_order_relaxed) + 1,
                       std::memory_order_relaxed);
  }

  // Whether one more retry fits; charges it if so.
  bool TryRetry(int64_t now_seconds);

 private:
  struct Bucket {
    std::atomic<int64_t> second{INT64_MIN};
    std::atomic<int64_t> count{0};
  };
  using Window = std::array<Bucket, kWindowSeconds>;

  static size_t Index(int64_t second) {
    return static_cast<size_t>(static_cast<uint64_t>(second) % kWindowSeconds);
  }
  static int64_t Sum(const Window& window, int64_t now_seconds);

  const double ratio_;
  const double reserve_;
  Window calls_;
  absl::Mutex mutex_;
  Window retries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_RETRY_BUDGET_H_
