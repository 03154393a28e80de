// PoolEventQueue: a bounded queue of events.  Push() never waits for a reader:
// a full queue drops its oldest event and counts it.
//
// Threads: any.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_QUEUE_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_QUEUE_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/lb_policy/backends/event.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class PoolEventQueue {
 public:
  explicit PoolEventQueue(size_t capacity)
      : capacity_(std::max<size_t>(capacity, 1)) {}

  void Push(const PoolEvent& event) {
    MutexLock lock(&mutex_);
    if (queue_.size() == capacity_) {
      queue_.pop_front();
      ++lost_;
    }
    queue_.push_back(event);
    pushed_.Signal();
  }

  // Waits at most `timeout`, which counts as a day if it is longer.
  absl::optional<PoolEvent> Pop(absl::Duration timeout) {
    const auto end =
        std::chrono::steady_clock::now() +
        absl::ToChronoNanoseconds(
            std::min(std::max(timeout, absl::ZeroDuration()), absl::Hours(24)));
    MutexLock lock(&mutex_);
    while (queue_.empty()) {
      if (timeout <= absl::ZeroDuration() ||
          std::chrono::steady_clock::now() >= end) {
        return absl::nullopt;
      }
      pushed_.WaitUntil(&mutex_, end);
    }
    PoolEvent event = std::move(queue_.front());
    queue_.pop_front();
    return event;
  }

  uint64_t lost() const {
    MutexLock lock(&mutex_);
    return lost_;
  }

 private:
  const size_t capacity_;
  mutable Mutex mutex_;
  CondVar pushed_;
  std::deque<PoolEvent> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t lost_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_QUEUE_H_
