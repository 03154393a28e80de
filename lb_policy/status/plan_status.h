// PlanStatus: what a channel's newest plan and its pool say to observers.
//
// Immutable; it reads the numbers of the plan's backends when it is asked.  It
// takes no lock that a call waits for, unless that call changes a backend's
// state.  Cost of WriteTo(): O(n log n) in the number of backends.
//
// Threads: any thread may ask it and destroy it.
#ifndef MULTI_BACKEND_LB_POLICY_STATUS_PLAN_STATUS_H_
#define MULTI_BACKEND_LB_POLICY_STATUS_PLAN_STATUS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/observability/channel/channel_record.h"
#include "multi_backend/observability/channel_source.h"

namespace multi_backend {

class PlanStatus final : public ChannelRecord::PolicyPart {
 public:
  struct Args {
    std::shared_ptr<BackendPool> pool;  // Not null.
    // "" = as the resolver says: the policy has shut down, or has no list yet.
    std::string state;
    std::shared_ptr<const PickPlan> plan;  // May be null.
    // The number of READY connections of each of the plan's entries.  Not used
    // without a plan.
    std::vector<int> connections;
  };
  explicit PlanStatus(Args args) : args_(std::move(args)) {}

  // The backends are those of the plan and the absent ones of the pool.
  void WriteTo(ChannelStatus& status) const override;

 private:
  const Args args_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STATUS_PLAN_STATUS_H_
