// RetryBudget: bounds retries to a share of recent calls plus a constant rate,
// so that retries cannot multiply the load of a cluster that is already ill.
//
// The idea is Finagle's RetryBudget: over a sliding window of 10 seconds,
//   retries <= ratio * calls + min_retries_per_second * 10.
// A retry is charged when it is decided, so retries that still wait in backoff
// count too.
//
// Threads: OnCall() calls must be serialised among themselves (picks are);
// TryRetry() may run at the same time, from any thread.  Cost: OnCall() is a
// plain store, but for one call in 32.
#ifndef MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_BUDGET_H_
#define MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_BUDGET_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace multi_backend {

class RetryBudget {
 public:
  // Long enough to smooth bursts, short enough that calls of a busy minute do
  // not pay for a storm in a quiet one; Finagle's default.
  static constexpr int64_t kWindowSeconds = 10;

  // `ratio` of retries to calls, >= 0; `min_retries_per_second` >= 0.
  RetryBudget(double ratio, double min_retries_per_second);

  // A call begins.  `now_seconds()`: monotonic, whole seconds, not negative;
  // asked for one call in kBatch only, which then counts for them all.
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

  // Whether one more retry fits; charges it if so.
  bool TryRetry(int64_t now_seconds);

 private:
  // Small beside the calls of a window that a budget matters in.
  static constexpr int64_t kBatch = 32;

  struct Bucket {
    std::atomic<int64_t> second{INT64_MIN};
    std::atomic<int64_t> count{0};
  };
  using Window = std::array<Bucket, kWindowSeconds>;

  static size_t Index(int64_t second) {
    return static_cast<size_t>(static_cast<uint64_t>(second) % kWindowSeconds);
  }
  // Calls for one window are serialised by the caller.
  static void Count(Window& window, int64_t now_seconds, int64_t count);
  static int64_t Sum(const Window& window, int64_t now_seconds);

  const double ratio_;
  const double reserve_;
  Window calls_;
  std::atomic<int64_t> pending_{0};  // Calls that are in no bucket yet.
  // Not absl::Mutex: the thread sanitizer does not see through the
  // distribution's build of it.
  std::mutex mutex_;
  Window retries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_BUDGET_H_
