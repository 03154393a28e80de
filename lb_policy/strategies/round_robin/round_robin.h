// RoundRobin: picks the members in turn, in the order of the list.
//
// Any n picks in a row over n eligible members pick each of them once.  A
// strategy without a predecessor starts at a random member, so that clients
// that start together do not all begin with the same one.  A successor
// continues with the member that was next or, if that one has left, with the
// first member after it that stayed.
//
// An ineligible member's turns go to the member after it, until the next plan
// leaves the ineligible one out.
//
// Cost: O(1) per pick, plus one step for each ineligible member passed.
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
