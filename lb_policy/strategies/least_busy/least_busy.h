// LeastBusy: the member with the fewest calls in flight for its weight; ties at
// random, in proportion to weight.
//
// Up to 32 members all are compared; above, the better of two random ones (see
// algorithms/two_choices.h).
//
// Cost: O(members) up to 32, O(1) above while most members are eligible.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_LEAST_BUSY_LEAST_BUSY_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_LEAST_BUSY_LEAST_BUSY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/algorithms/two_choices.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class LeastBusy final : public Strategy {
 public:
  // Up to here one pick looks at every member: that takes less time than a
  // badly balanced call loses, and the ties fit one word.
  static constexpr size_t kCompareAllUpTo = 32;

  explicit LeastBusy(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  size_t PickOfAll(const PickRequest& request);
  size_t DrawTied(uint32_t tied);

  const std::vector<Member> members_;
  TwoChoices choices_;  // Used by picks only.
  FastRandom random_;   // Used by picks only.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_LEAST_BUSY_LEAST_BUSY_H_
