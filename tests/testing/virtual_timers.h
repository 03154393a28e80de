// VirtualTimers: timers with a clock that only the test moves.
//
//   VirtualTimers timers;
//   timers.RunAfter(absl::Seconds(1), fn);
//   timers.Advance(absl::Seconds(2));  // Runs fn at 1 s, then moves to 2 s.
//
// Not thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_VIRTUAL_TIMERS_H_
#define MULTI_BACKEND_TESTS_TESTING_VIRTUAL_TIMERS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "absl/time/time.h"
#include "multi_backend/health/timers/timers.h"

namespace multi_backend {

class VirtualTimers final : public Timers {
 public:
  uint64_t RunAfter(absl::Duration delay, std::function<void()> fn) override {
    const absl::Duration at = now_ + delay;
    pending_[{at, ++last_id_}] = std::move(fn);
    times_[last_id_] = at;
    return last_id_;
  }

  void Cancel(uint64_t id) override {
    const auto found = times_.find(id);
    if (found == times_.end()) return;
    const auto entry = pending_.find({found->second, id});
    // Destroyed last, because that may cancel other timers.
    const std::function<void()> fn = std::move(entry->second);
    pending_.erase(entry);
    times_.erase(found);
  }
  void Drop(uint64_t id) override { Cancel(id); }

  // The virtual time since construction.
  absl::Duration now() const { return now_; }
  size_t pending() const { return pending_.size(); }

  void Advance(absl::Duration by) {
    const absl::Duration end = now_ + by;
    while (!pending_.empty() && pending_.begin()->first.first <= end) {
      const auto first = pending_.begin();
      now_ = first->first.first;
      const std::function<void()> fn = std::move(first->second);
      times_.erase(first->first.second);
      pending_.erase(first);
      fn();
    }
    now_ = end;
  }

 private:
  absl::Duration now_;
  uint64_t last_id_ = 0;
  std::map<std::pair<absl::Duration, uint64_t>, std::function<void()>> pending_;
  std::map<uint64_t, absl::Duration> times_;  // Of the entries of pending_.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_VIRTUAL_TIMERS_H_
