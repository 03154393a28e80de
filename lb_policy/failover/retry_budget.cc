#include "multi_backend/lb_policy/failover/retry_budget.h"

#include <algorithm>

namespace multi_backend {
namespace {

// How many seconds of min_retries_per_second may be spent in one second.  At
// 500 calls per second and the defaults, an outage then makes at most 1.32
// attempts of a call: 0.22 for the ratio, because the window is up to 1.1
// seconds long, and 50 retries of 500 calls for this.  A larger value would
// multiply an overload further.  A smaller one would lose calls of a quiet
// channel, which has little else to spend, when a backend is lost with many
// calls in flight.
constexpr double kReserveSecondsAtOnce = 5;

}  // namespace

void RetryBudget::Window::Add(int64_t now_millis, int64_t count) {
  const int64_t number = now_millis / bucket_millis_;
  Bucket& bucket = ring_[static_cast<size_t>(number % buckets_)];
  // A thread whose time lags by a whole window counts in the present bucket.
  if (bucket.number < number) bucket = Bucket{number, 0};
  bucket.count += count;
}

int64_t RetryBudget::Window::Sum(int64_t now_millis) const {
  const int64_t newest = now_millis / bucket_millis_;
  int64_t sum = 0;
  for (const Bucket& bucket : ring_) {
    if (bucket.number > newest - buckets_ && bucket.number <= newest) {
      sum += bucket.count;
    }
  }
  return sum;
}

RetryBudget::RetryBudget(double ratio, double min_retries_per_second)
    : ratio_(ratio),
      reserve_(min_retries_per_second * 10),
      // A channel that may make one retry in ten seconds may make it at once.
      reserve_at_once_(
          std::max(1.0, min_retries_per_second * kReserveSecondsAtOnce)) {}

void RetryBudget::CountBatch(int64_t now_millis) {
  MutexLock lock(&mutex_);
  const int64_t calls = pending_.exchange(0, std::memory_order_relaxed);
  calls_.Add(now_millis, calls);
  calls_now_.Add(now_millis, calls);
}

bool RetryBudget::TryRetry(int64_t now_millis) {
  MutexLock lock(&mutex_);
  const int64_t pending = pending_.load(std::memory_order_relaxed);
  const auto share_of = [&](const Window& calls) {
    return ratio_ * static_cast<double>(calls.Sum(now_millis) + pending);
  };
  const auto after = [now_millis](const Window& retries) {
    return static_cast<double>(retries.Sum(now_millis) + 1);
  };
  if (after(retries_) > share_of(calls_) + reserve_) return false;
  if (after(retries_now_) >
      share_of(calls_now_) + reserve_at_once_ +
          static_cast<double>(successes_now_.Sum(now_millis))) {
    return false;
  }
  retries_.Add(now_millis, 1);
  retries_now_.Add(now_millis, 1);
  return true;
}

void RetryBudget::OnRetriedCallSucceeded(int64_t now_millis) {
  MutexLock lock(&mutex_);
  successes_now_.Add(now_millis, 1);
}

}  // namespace multi_backend
