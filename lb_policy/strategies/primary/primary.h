// Primary: the first member in (priority, order of the list) that is usable.
//
// When the current member fails, the next pick takes the best usable one at
// once.  Calls move back to a better member only after that one has been usable
// for `hold_down` without a break, so that a member that comes and goes does
// not carry every call with it.  That a call has tried the current member moves
// this call on, not the others.
//
// A member that has not yet been usable for `hold_down` is chosen only when no
// settled one is usable.
//
// Cost: one step for each better member in the list, however many are worse.
// The clock is read only when a better member is usable but might not be
// settled; never without hold_down.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_PRIMARY_PRIMARY_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_PRIMARY_PRIMARY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "multi_backend/lb_policy/clock.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class Primary final : public Strategy {
 public:
  explicit Primary(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  // Reads the clock at most once a pick, and only when asked.
  class Now;

  size_t Choose(const PickRequest& request, size_t current, Now& now) const;
  bool Settled(const Member& member, Now& now) const;

  const std::vector<Member> members_;
  std::vector<uint32_t> order_;  // Indices of members_, the best first.
  const int64_t hold_down_nanos_;
  const Clock* const clock_;
  // Index in members_ of the one that calls go to; kNone before the first.
  std::atomic<size_t> current_{kNone};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_PRIMARY_PRIMARY_H_
