// LoadLimit: tells which members carry at most their share of the calls in
// flight, times a bound ("Consistent hashing with bounded loads", Mirrokni,
// Thorup, Zadimoghaddam, 2016).
//
// A member has room if, with the new call, its calls in flight are at most
// ceil(bound x its weight's share of all calls in flight, with the new call).
// So some usable member always has room.
//
// Cost: with up to 32 members, each pick sums the calls of all of them.  With
// more, each pick updates the sum for the next 8 members, so the sum lags by at
// most members / 8 picks.
//
// Thread-compatible.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_LOAD_LIMIT_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_LOAD_LIMIT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class LoadLimit {
 public:
  // `members` must outlive this object; bound >= 1.
  LoadLimit(absl::Span<const Member> members, double bound);

  // Updates the sums.  Call once per pick, before HasRoom.
  void Refresh();

  bool HasRoom(size_t index) const {
    const Member& member = members_[index];
    const auto calls = static_cast<double>(
        member.load->in_flight.load(std::memory_order_relaxed));
    return calls < calls_per_weight_ * member.weight;
  }

 private:
  static constexpr size_t kExactUpTo = 32;
  static constexpr size_t kRefreshed = 8;

  // What a member added to the sums when it was last looked at.
  struct Share {
    int64_t calls = 0;
    uint32_t weight = 0;
  };

  const absl::Span<const Member> members_;
  const double bound_;
  std::vector<Share> shares_;
  size_t next_ = 0;
  int64_t calls_ = 0;
  uint64_t weight_ = 0;
  double calls_per_weight_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_LOAD_LIMIT_H_
