// LeastBusy: picks the member with the fewest calls in flight for its weight.
// Ties are settled at random, in proportion to weight.
//
// With up to 32 members it compares all of them; with more it takes the better
// of two random ones (see algorithms/two_choices.h).
//
// Cost: O(members) with up to 32 members; with more, O(1) while most of them
// are eligible.
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
  // The largest number of members that a pick compares.  Comparing 32 takes
  // less time than a badly placed call loses, and a set of tied members fits
  // into one 32-bit word.
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
