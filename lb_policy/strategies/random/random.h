// Random: picks a member at random, in proportion to its weight.
//
// Cost: O(1) per pick while most members are eligible, else O(members).
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_RANDOM_RANDOM_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_RANDOM_RANDOM_H_

#include <cstddef>
#include <vector>

#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/algorithms/weighted_draw.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

// Returns a random eligible member in proportion to weight, or Strategy::kNone.
// The distribution is exact: drawing again after an ineligible member leaves
// the shares of the others in proportion.
size_t DrawEligible(absl::Span<const Member> members, const WeightedDraw& draw,
                    FastRandom& random, const PickRequest& request);

class Random final : public Strategy {
 public:
  explicit Random(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  const std::vector<Member> members_;
  const WeightedDraw draw_;
  FastRandom random_;  // Used by picks only.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_RANDOM_RANDOM_H_
