// KeyVote: finds out whether one sticky key has more than half of a balancer's
// calls.  A strategy that keeps a key on one member cannot spread those.
//
// Windows of kWindow calls take turns.  The first holds a vote after Boyer and
// Moore ("MJRTY: a fast majority vote algorithm", 1981), which finds the only
// key that can have more than half of the window.  The second counts that key,
// because the vote does not say how many calls it has.  Once a key has had more
// than half of a counted window, the vote is over.
//
// Cost: O(1) per call, under a lock until the vote is over; a few words of
// memory, whatever the number of keys.
//
// Thread-safe.  It has a lock of its own, because the picks of an old plan and
// of the one that replaces it add to the same vote.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_KEY_VOTE_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_KEY_VOTE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/types/optional.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class KeyVote {
 public:
  // Large enough that a short burst of one key does not count, and small enough
  // that a test run of an application notices.
  static constexpr int kWindow = 1000;

  // Sets `news` when Take() has something.
  explicit KeyVote(std::shared_ptr<std::atomic<bool>> news)
      : news_(std::move(news)) {}

  // Adds one call with this key.
  void Add(uint64_t key_hash) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (over_.load(std::memory_order_relaxed)) return;
    MutexLock lock(&mutex_);
    if (over_.load(std::memory_order_relaxed)) return;
    const bool is_candidate = key_hash == candidate_;
    if (counting_) {
      score_ += is_candidate;
    } else if (is_candidate) {
      ++score_;
    } else if (score_ > 0) {
      --score_;
    } else {
      candidate_ = key_hash;
      score_ = 1;
    }
    if (++calls_ == kWindow) EndWindow();
  }

  // Returns the share of the key in the counted window, in percent, if it is
  // more than half.  Returns it once.
  absl::optional<int> Take() {
    const int percent = percent_.exchange(0, std::memory_order_acq_rel);
    return percent == 0 ? absl::nullopt : absl::optional<int>(percent);
  }

 private:
  void EndWindow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (counting_ && score_ > kWindow / 2) {
      over_.store(true, std::memory_order_relaxed);
      percent_.store(score_ * 100 / kWindow, std::memory_order_release);
      news_->store(true, std::memory_order_release);
      return;
    }
    counting_ = !counting_;
    score_ = 0;
    calls_ = 0;
  }

  const std::shared_ptr<std::atomic<bool>> news_;
  std::atomic<bool> over_{false};  // Written under mutex_.
  std::atomic<int> percent_{0};    // 0 = Take() has nothing.
  Mutex mutex_;
  bool counting_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t candidate_ ABSL_GUARDED_BY(mutex_) = 0;
  // The candidate's lead in the vote, or its calls.
  int score_ ABSL_GUARDED_BY(mutex_) = 0;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;  // In this window.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_KEY_VOTE_H_
