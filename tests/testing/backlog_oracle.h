// BacklogOracle: what a Backlog must answer.  It follows the rules literally
// and searches one plain vector each time.  At most Backlog::kExact calls may
// wait.
#ifndef MULTI_BACKEND_TESTS_TESTING_BACKLOG_ORACLE_H_
#define MULTI_BACKEND_TESTS_TESTING_BACKLOG_ORACLE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "multi_backend/lb_policy/waiting/backlog.h"

namespace multi_backend {
namespace testing {

class BacklogOracle {
 public:
  using State = Backlog::State;
  using Turn = Backlog::Turn;

  // Both timeouts are in nanoseconds.
  BacklogOracle(size_t limit, int64_t timeout, int64_t overload_timeout)
      : limit_(limit), timeout_(timeout), overload_timeout_(overload_timeout) {}

  Turn Ask(uint64_t number, int64_t now) {
    const Waiter* waiter = Find(number);
    if (waiter != nullptr && Expired(*waiter, now)) return Turn::kExpired;
    if (state_ == State::kDown) return Turn::kDown;
    if (MayGo(number)) return Turn::kGo;
    return waiter != nullptr ? Turn::kWait : Join(number, now);
  }

  Turn Join(uint64_t number, int64_t now) {
    if (state_ == State::kDown) return Turn::kDown;
    if (Find(number) != nullptr) return Turn::kWait;
    if (waiting_.size() >= limit_) return Turn::kFull;
    waiting_.push_back({number, now});
    turn_ = std::min(turn_, number);
    return Turn::kWait;
  }

  bool Leave(uint64_t number) {
    const Waiter* leaver = Find(number);
    if (leaver == nullptr) return false;
    const bool had_turn = MayGo(number);
    waiting_.erase(waiting_.begin() + (leaver - waiting_.data()));
    for (const Waiter& waiter : waiting_) {
      if (waiter.number <= turn_) return false;  // It already has its turn.
    }
    return had_turn && any_usable_ && !waiting_.empty();
  }

  size_t BeginPass(int64_t now) {
    std::vector<uint64_t> live;
    for (const Waiter& waiter : waiting_) {
      if (!Expired(waiter, now)) live.push_back(waiter.number);
    }
    if (!live.empty()) turn_ = *std::min_element(live.begin(), live.end());
    return waiting_.size();
  }

  void SetMembers(bool any_usable, bool all_down, int64_t now) {
    any_usable_ = any_usable;
    if (any_usable) {
      state_ = State::kAlive;
    } else if (all_down && state_ == State::kAlive) {
      state_ = State::kOverloaded;
      overloaded_at_ = now;
    }
  }

  void OnTime(int64_t now) {
    if (state_ == State::kOverloaded &&
        now - overloaded_at_ >= overload_timeout_) {
      state_ = State::kDown;
    }
  }

  State state() const { return state_; }
  size_t waiting() const { return waiting_.size(); }
  bool Waits(uint64_t number) const { return Find(number) != nullptr; }

  int64_t next_deadline() const {
    int64_t deadline = INT64_MAX;
    for (const Waiter& waiter : waiting_) {
      deadline = std::min(deadline, waiter.since + timeout_);
    }
    if (state_ == State::kOverloaded) {
      deadline = std::min(deadline, overloaded_at_ + overload_timeout_);
    }
    return deadline;
  }

 private:
  struct Waiter {
    uint64_t number;
    int64_t since;
  };

  const Waiter* Find(uint64_t number) const {
    for (const Waiter& waiter : waiting_) {
      if (waiter.number == number) return &waiter;
    }
    return nullptr;
  }
  bool Expired(const Waiter& waiter, int64_t now) const {
    return now - waiter.since >= timeout_;
  }
  bool MayGo(uint64_t number) const {
    if (number <= turn_) return true;
    for (const Waiter& waiter : waiting_) {
      if (waiter.number < number) return false;
    }
    return true;
  }

  const size_t limit_;
  const int64_t timeout_;
  const int64_t overload_timeout_;
  std::vector<Waiter> waiting_;
  uint64_t turn_ = 0;
  State state_ = State::kAlive;
  bool any_usable_ = false;
  int64_t overloaded_at_ = 0;
};

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_BACKLOG_ORACLE_H_
