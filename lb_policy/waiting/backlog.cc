#include "multi_backend/lb_policy/waiting/backlog.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace multi_backend {
namespace {

// Durations may be infinite, so the sum must not overflow.
int64_t Later(int64_t time, int64_t by) {
  return time > INT64_MAX - by ? INT64_MAX : time + by;
}

// Error texts show milliseconds.
std::string InWords(int64_t nanos) {
  return absl::FormatDuration(
      absl::Trunc(absl::Nanoseconds(nanos), absl::Milliseconds(1)));
}

}  // namespace

Backlog::Backlog(const BacklogConfig& config) { SetConfig(config); }

void Backlog::SetConfig(const BacklogConfig& config) {
  MutexLock lock(&mutex_);
  limit_ = static_cast<size_t>(std::max(config.limit, 0));
  timeout_ = absl::ToInt64Nanoseconds(config.timeout);
  overload_timeout_ = absl::ToInt64Nanoseconds(config.overload_timeout);
  PublishLocked();
}

Backlog::Turn Backlog::AskInFull(uint64_t number, bool joined, int64_t now) {
  MutexLock lock(&mutex_);
  if (joined) {
    const auto it = waiting_.find(number);
    if (it != waiting_.end()) {
      if (now >= Later(it->second, timeout_)) return Turn::kExpired;
      if (state_ == State::kDown) return Turn::kDown;
      return MayGoLocked(number) ? Turn::kGo : Turn::kWait;
    }
  }
  if (state_ == State::kDown) return Turn::kDown;
  return MayGoLocked(number) ? Turn::kGo : AddLocked(number, now);
}

Backlog::Turn Backlog::Join(uint64_t number, int64_t now) {
  MutexLock lock(&mutex_);
  if (state_ == State::kDown) return Turn::kDown;
  return AddLocked(number, now);
}

Backlog::Turn Backlog::AddLocked(uint64_t number, int64_t now) {
  if (waiting_.count(number) != 0) return Turn::kWait;
  if (waiting_.size() >= limit_) return Turn::kFull;
  waiting_.emplace(number, now);
  since_.emplace(now, number);
  // When this call is older than the call whose turn it was, this call goes
  // first.
  turn_ = std::min(turn_, number);
  PublishLocked();
  return Turn::kWait;
}

bool Backlog::MayGoLocked(uint64_t number) const {
  return number <= turn_ || waiting_.empty() ||
         (number <= waiting_.begin()->first && !pace_.active());
}

void Backlog::PublishLocked() {
  const bool empty = waiting_.empty();
  waiting_count_.store(waiting_.size(), std::memory_order_relaxed);
  turn_limit_.store(empty || pace_.active()
                        ? turn_
                        : std::max(turn_, waiting_.begin()->first),
                    std::memory_order_relaxed);
  int64_t quiet_until = INT64_MAX;
  if (state_ == State::kDown) {
    quiet_until = INT64_MIN;
  } else if (!empty) {
    quiet_until = Later(since_.begin()->first, timeout_);
  }
  quiet_until_.store(quiet_until, std::memory_order_relaxed);
}

bool Backlog::Leave(uint64_t number, bool sent) {
  MutexLock lock(&mutex_);
  const auto it = waiting_.find(number);
  if (it == waiting_.end()) return false;
  const bool had_turn = MayGoLocked(number);
  since_.erase({it->second, number});
  waiting_.erase(it);
  if (waiting_.empty()) pace_.End();
  PublishLocked();
  // While another call whose turn it is remains, a new pass would release no
  // more calls.
  return had_turn && (any_usable_ || sent) && !waiting_.empty() &&
         waiting_.begin()->first > turn_ && !pace_.exhausted();
}

size_t Backlog::BeginPass(int64_t now, size_t exact) {
  MutexLock lock(&mutex_);
  const size_t group =
      std::min(waiting_.size() <= exact ? 1 : waiting_.size() / kPasses,
               pace_.Room(now, waiting_.size()));
  size_t counted = 0;
  for (const auto& waiter : waiting_) {
    if (counted == group) break;
    // Expired calls are refused in this pass and need no turn.
    if (now >= Later(waiter.second, timeout_)) continue;
    // The calls of the previous turn must all be gone before the next turn
    // begins.  Core may ask the newest call first, so with a larger turn the
    // older calls would not go while there is room for a few calls only.
    if (counted == 0 && waiter.first <= turn_) break;
    turn_ = waiter.first;
    ++counted;
  }
  pace_.Use(counted);
  PublishLocked();
  return waiting_.size();
}

absl::optional<Backlog::StateChange> Backlog::SetMembers(bool any_usable,
                                                         bool all_down,
                                                         int64_t now,
                                                         bool any_missing) {
  MutexLock lock(&mutex_);
  any_usable_ = any_usable;
  if (!any_usable) {
    pace_.End();
  } else if (state_ != State::kAlive &&
             waiting_.size() > ReturnPace::kLeastInATick) {
    pace_.Begin(now, timeout_);
  }
  if (!any_missing) pace_.OnComplete(now, waiting_.size());
  if (any_usable) {
    return EnterLocked(State::kAlive, now, "a backend is usable");
  }
  if (all_down && state_ == State::kAlive) {
    overloaded_at_ = now;
    return EnterLocked(State::kOverloaded, now, "all backends are down");
  }
  return absl::nullopt;
}

absl::optional<Backlog::StateChange> Backlog::OnTime(int64_t now) {
  MutexLock lock(&mutex_);
  if (state_ != State::kOverloaded ||
      now < Later(overloaded_at_, overload_timeout_)) {
    return absl::nullopt;
  }
  return EnterLocked(State::kDown, now,
                     absl::StrCat("all backends have been down for ",
                                  InWords(now - overloaded_at_)));
}

absl::optional<Backlog::StateChange> Backlog::EnterLocked(State to, int64_t now,
                                                          std::string reason) {
  if (to == state_) return absl::nullopt;
  StateChange change{state_, to, now, std::move(reason)};
  state_ = to;
  PublishLocked();
  return change;
}

int64_t Backlog::next_deadline() const {
  MutexLock lock(&mutex_);
  int64_t deadline = INT64_MAX;
  if (!since_.empty()) {
    deadline =
        std::min(Later(since_.begin()->first, timeout_), pace_.next_tick());
  }
  if (state_ == State::kOverloaded) {
    deadline = std::min(deadline, Later(overloaded_at_, overload_timeout_));
  }
  return deadline;
}

Backlog::State Backlog::state() const {
  MutexLock lock(&mutex_);
  return state_;
}

size_t Backlog::waiting() const {
  MutexLock lock(&mutex_);
  return waiting_.size();
}

std::string Backlog::RefusalText(Turn turn, uint64_t number, int64_t now,
                                 absl::string_view backends) const {
  MutexLock lock(&mutex_);
  std::string why;
  switch (turn) {
    case Turn::kGo:
    case Turn::kWait:
      break;
    case Turn::kFull:
      why = absl::StrCat(waiting_.size(),
                         " calls are waiting already (backlog.limit)");
      break;
    case Turn::kDown:
      why = absl::StrCat("all backends have been down for ",
                         InWords(now - overloaded_at_),
                         " (backlog.overloadTimeout)");
      break;
    case Turn::kExpired: {
      const auto it = waiting_.find(number);
      const int64_t waited = it == waiting_.end() ? timeout_ : now - it->second;
      why = absl::StrCat("it waited ", InWords(waited), " (backlog.timeout)");
      break;
    }
  }
  return absl::StrCat("multi_backend: no usable backend, the call was never ",
                      "sent: ", why, backends.empty() ? "" : ": ", backends);
}

absl::StatusCode Backlog::RefusalCode(Turn turn) {
  return turn == Turn::kExpired ? absl::StatusCode::kDeadlineExceeded
                                : absl::StatusCode::kUnavailable;
}

absl::string_view Backlog::StateName(State state) {
  switch (state) {
    case State::kAlive:
      return "ALIVE";
    case State::kOverloaded:
      return "OVERLOADED";
    case State::kDown:
      return "DOWN";
  }
  return "";
}

}  // namespace multi_backend
