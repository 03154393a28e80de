// RetryBudget: bounds retries to a share of recent calls plus a constant rate,
// so that retries cannot multiply the load of a cluster that is already
// overloaded.
//
// The idea is Finagle's RetryBudget: over a sliding window of 10 seconds,
//   retries <= ratio * calls + min_retries_per_second * 10.
// That bound alone would let an outage spend in its first second what ten quiet
// seconds have saved, just when the backends are weakest.  So over a sliding
// window of one second also
//   retries <= ratio * calls + min_retries_per_second * 5 + successes,
// where a success is a retried call that ended well.  When one backend of
// several is lost, the retries succeed on the others and pay for further ones;
// when all are lost, none does.
// A retry is charged when it is granted, so retries that still wait in their
// backoff count too.
//
// Thread-safe.  Each call is counted exactly once, and retries that are granted
// at the same time fit the budget together.
//
// Cost: OnCall() is one atomic addition for 31 of 32 calls.  The others, and
// TryRetry() and OnRetriedCallSucceeded(), take a lock.
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
  // `ratio` of retries to calls and `min_retries_per_second` are >= 0.
  RetryBudget(double ratio, double min_retries_per_second);

  // Call when a call begins.  `now_millis()` returns monotonic time in whole
  // milliseconds, not negative.  It is called only once per kBatch calls, and
  // all calls of that batch are counted at its time.
  template <typename NowMillis>
  void OnCall(NowMillis now_millis) {
    // Only the call that fills a batch finds this number.  Calls that come
    // before it has emptied the batch go into the same one.
    if (pending_.fetch_add(1, std::memory_order_relaxed) + 1 == kBatch) {
      CountBatch(now_millis());
    }
  }

  // Returns whether one more retry fits the budget, and charges it if so.
  bool TryRetry(int64_t now_millis);

  // Call when a call ends well for which TryRetry() has granted a retry.
  void OnRetriedCallSucceeded(int64_t now_millis);

 private:
  // Small compared with the calls in a window where the budget matters.
  static constexpr int64_t kBatch = 32;

  // Counts events in the present bucket of time and the ones just before.
  class Window {
   public:
    // At most kMaxBuckets buckets.
    Window(int64_t bucket_millis, int64_t buckets)
        : bucket_millis_(bucket_millis), buckets_(buckets) {}
    void Add(int64_t now_millis, int64_t count);
    int64_t Sum(int64_t now_millis) const;

   private:
    static constexpr int64_t kMaxBuckets = 11;
    struct Bucket {
      int64_t number = INT64_MIN;
      int64_t count = 0;
    };
    const int64_t bucket_millis_;
    const int64_t buckets_;
    std::array<Bucket, kMaxBuckets> ring_;
  };
  // Ten seconds is Finagle's default.  It is long enough to smooth bursts, and
  // short enough that the calls of a busy minute do not pay for a retry storm
  // in a quiet one.
  struct TenSeconds : Window {
    TenSeconds() : Window(1000, 10) {}
  };
  // It has a bucket more than a second, so that no second escapes the bound.
  struct OneSecond : Window {
    OneSecond() : Window(100, 11) {}
  };

  void CountBatch(int64_t now_millis);

  const double ratio_;
  const double reserve_;
  const double reserve_at_once_;
  std::atomic<int64_t> pending_{0};  // Calls in no bucket yet.
  Mutex mutex_;                      // Emptying pending_ takes it, too.
  TenSeconds calls_ ABSL_GUARDED_BY(mutex_);
  OneSecond calls_now_ ABSL_GUARDED_BY(mutex_);
  TenSeconds retries_ ABSL_GUARDED_BY(mutex_);
  OneSecond retries_now_ ABSL_GUARDED_BY(mutex_);
  OneSecond successes_now_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_FAILOVER_RETRY_BUDGET_H_
