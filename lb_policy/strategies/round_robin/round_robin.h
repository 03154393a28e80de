// RoundRobin: each member in turn, in the order of the list.
//
// Guarantees an even cycle: in any n picks over n eligible members each is
// picked once.  The first object of a kind starts at a random member, so that
// many clients that start together do not all begin with the same one; a
// successor goes on with the member that was next (or, if that one left, the
// first one after it that stayed).
//
// An ineligible member's turns go to the member after it, until the next plan
// leaves it out.
//
// Cost: O(1) a pick, plus one step for each ineligible member passed.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_ROUND_ROBIN_ROUND_ROBIN_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_ROUND_ROBIN_ROUND_ROBIN_H_

#include <atomic>
#include <cstddef>
#include <vector>

#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class RoundRobin final : public Strategy {
 public:
  explicit RoundRobin(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  const std::vector<Member> members_;
  std::atomic<size_t> next_{0};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ROUND_ROBIN_ROUND_ROBIN_H_
