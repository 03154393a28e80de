// ReturnPace: how many of the calls that wait in a backlog may go at once when
// the first backend comes back after all were down.
//
// Releasing thousands of calls at once only moves the queue into the transports
// and the backends, and can take the first recovered backend down again.  So
// the calls go evenly over at most kLongest while other backends are still
// missing, and over kPerCall for each waiting call once all are back.
//
// Pure; not thread-safe.  Times are nanoseconds of one clock.  Cost: O(1).
#ifndef MULTI_BACKEND_LB_POLICY_WAITING_RETURN_PACE_H_
#define MULTI_BACKEND_LB_POLICY_WAITING_RETURN_PACE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace multi_backend {

class ReturnPace {
 public:
  static constexpr int64_t kLongest = 1'000'000'000;
  static constexpr int64_t kPerCall = 200'000;
  static constexpr int64_t kTick = 5'000'000;
  // Up to this many calls need not be spread.
  static constexpr size_t kLeastInATick = 16;

  bool active() const { return end_ != 0; }

  // Call when the first backend is usable while others are missing.
  // The pace lasts at most a tenth of the calls' `timeout`, and the oldest
  // calls go first, so that hardly any call expires because of the pace.
  void Begin(int64_t now, int64_t timeout) {
    end_ = now + std::min(kLongest, std::max<int64_t>(timeout / 10, 1));
    last_ = now;
    room_ = kLeastInATick;
  }
  // Call when all backends are usable; `waiting` calls wait.
  void OnComplete(int64_t now, size_t waiting) {
    if (!active()) return;
    const auto crowd = static_cast<int64_t>(
        std::min(waiting, static_cast<size_t>(kLongest / kPerCall)));
    end_ = std::min(end_, std::max(now + crowd * kPerCall, last_ + 1));
  }
  void End() { end_ = 0; }

  // How many of the `waiting` calls may go now; SIZE_MAX when the pace is not
  // active.
  size_t Room(int64_t now, size_t waiting) {
    if (active() && now >= end_) End();
    if (!active()) return std::numeric_limits<size_t>::max();
    if (now >= next_tick()) {
      const double share =
          static_cast<double>(now - last_) / static_cast<double>(end_ - last_);
      room_ =
          std::max(kLeastInATick,
                   static_cast<size_t>(static_cast<double>(waiting) * share));
      last_ = now;
    }
    return room_;
  }
  // Records that `count` of these calls were released.
  void Use(size_t count) {
    if (active()) room_ -= std::min(room_, count);
  }
  // No further call may go before next_tick().
  bool exhausted() const { return active() && room_ == 0; }
  // INT64_MAX while it is not active.
  int64_t next_tick() const {
    return active() ? std::min(last_ + kTick, end_)
                    : std::numeric_limits<int64_t>::max();
  }

 private:
  int64_t end_ = 0;  // 0 = not active.
  int64_t last_ = 0;
  size_t room_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_WAITING_RETURN_PACE_H_
