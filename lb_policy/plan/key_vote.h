// KeyVote: finds out whether one sticky key has more than half of a balancer's
// calls.  A strategy that keeps a key on one member cannot spread those.
//
// Windows of kWindow calls take turns.  The first holds a vote after Boyer and
// Moore ("MJRTY: a fast majority vote algorithm", 1981), which finds the only
// key that can have more than half of the window.  The second counts that key,
// because the vote does not say how many calls it has.  Once a key has had more
// than half of a counted window, the vote is over.
//
// Cost: O(1) per call; a few words of memory, whatever the number of keys.
//
// Threads: the caller serialises Add().  Take() may run at any time.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_KEY_VOTE_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_KEY_VOTE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/optional.h"

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
  void Add(uint64_t key_hash) {
    if (over_) return;
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
  void EndWindow() {
    if (counting_ && score_ > kWindow / 2) {
      over_ = true;
      percent_.store(score_ * 100 / kWindow, std::memory_order_release);
      news_->store(true, std::memory_order_release);
      return;
    }
    counting_ = !counting_;
    score_ = 0;
    calls_ = 0;
  }

  const std::shared_ptr<std::atomic<bool>> news_;
  // Used by Add() only:
  bool over_ = false;
  bool counting_ = false;
  uint64_t candidate_ = 0;
  int score_ = 0;  // The candidate's lead in the vote, or its calls.
  int calls_ = 0;  // In this window.
  std::atomic<int> percent_{0};  // 0 = Take() has nothing.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_KEY_VOTE_H_
