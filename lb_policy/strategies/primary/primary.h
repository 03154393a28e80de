// Primary: picks the first usable member, ordered by priority and then by the
// position in the list.
//
// When the current member fails, the next pick takes the best usable member at
// once.  Calls move back to a better member only after that member has been
// usable for `hold_down` without a break; it is then "settled".  So a member
// that is up and down in turn does not move all calls back and forth.  A member
// that is not settled is picked only when no settled one is usable.
//
// A call that has tried the current member moves to the next one alone; other
// calls stay with the current member.
//
// Cost: one step for each member that is better than the picked one.  The clock
// is read only when a better member is usable but might not be settled, and
// never when hold_down is 0.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_PRIMARY_PRIMARY_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_PRIMARY_PRIMARY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class Primary final : public Strategy {
 public:
  explicit Primary(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  // Reads the clock on first use, so at most once per pick.
  class Now;

  size_t Choose(const PickRequest& request, size_t current, Now& now) const;
  bool Settled(const Member& member, Now& now) const;

  const std::vector<Member> members_;
  std::vector<uint32_t> order_;  // Indices into members_, the best first.
  const int64_t hold_down_nanos_;
  const Clock* const clock_;
  // Index of the member that calls go to; kNone before the first pick.
  std::atomic<size_t> current_{kNone};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_PRIMARY_PRIMARY_H_
