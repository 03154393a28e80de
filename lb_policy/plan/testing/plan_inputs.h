// What tests make plans of: entries, arguments and labels.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_TESTING_PLAN_INPUTS_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_TESTING_PLAN_INPUTS_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace testing {

// An entry that is READY, whose backend has the name of `endpoint`.
inline PlanEntry ReadyEntry(BackendPool& pool, absl::string_view address,
                            Endpoint endpoint) {
  PlanEntry entry;
  entry.lease = pool.Acquire(address, endpoint.address());
  entry.endpoint = std::make_shared<const Endpoint>(std::move(endpoint));
  entry.link = LinkState::kReady;
  return entry;
}

// The plan has a copy of `config`, so that a test may go on changing it.
inline PickPlan::Args PlanArgs(const PolicyConfig& config,
                               std::vector<PlanEntry> entries,
                               const Clock& clock) {
  PickPlan::Args args;
  args.config = std::make_shared<const PolicyConfig>(config);
  args.entries = std::move(entries);
  args.clock = &clock;
  args.seed = 1;
  return args;
}

inline CallLabel ToRole(absl::string_view role,
                        WhenUnavailable when = WhenUnavailable::kFail,
                        absl::string_view fallback_role = "") {
  CallLabel label;
  label.role = role;
  label.when_unavailable = when;
  label.fallback_role = fallback_role;
  return label;
}

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_TESTING_PLAN_INPUTS_H_
