#include "multi_backend/lb_policy/failover/retry_budget.h"

namespace multi_backend {

RetryBudget::RetryBudget(double ratio, double min_retries_per_second)
    : ratio_(ratio), reserve_(min_retries_per_second * kWindowSeconds) {}

void RetryBudget::Count(Window& window, int64_t now_seconds, int64_t count) {
  Bucket& bucket = window[Index(now_seconds)];
  if (bucket.second.load(std::memory_order_relaxed) != now_seconds) {
    bucket.count.store(0, std::memory_order_relaxed);
    bucket.second.store(now_seconds, std::memory_order_relaxed);
  }
  bucket.count.store(bucket.count.load(std::memory_order_relaxed) + count,
                     std::memory_order_relaxed);
}

int64_t RetryBudget::Sum(const Window& window, int64_t now_seconds) {
  int64_t sum = 0;
  for (const Bucket& bucket : window) {
    const int64_t second = bucket.second.load(std::memory_order_relaxed);
    if (second > now_seconds - kWindowSeconds && second <= now_seconds) {
      sum += bucket.count.load(std::memory_order_relaxed);
    }
  }
  return sum;
}

bool RetryBudget::TryRetry(int64_t now_seconds) {
  MutexLock lock(&mutex_);
  const int64_t calls =
      Sum(calls_, now_seconds) + pending_.load(std::memory_order_relaxed);
  const double allowed = ratio_ * static_cast<double>(calls) + reserve_;
  const int64_t retries = Sum(retries_, now_seconds) + 1;
  if (static_cast<double>(retries) > allowed) return false;
  Count(retries_, now_seconds, 1);
  return true;
}

}  // namespace multi_backend
