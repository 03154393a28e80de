// PlanEntry: one backend in a channel's pick plan.  It holds the lease on the
// pool's backend, what discovery says about the backend, and the state of this
// channel's connection.
//
// An entry is plain data and is copied into each plan.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_ENTRY_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_ENTRY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/link_state.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

struct PlanEntry {
  std::shared_ptr<BackendPool::Lease> lease;  // Never null.
  std::shared_ptr<const Endpoint> endpoint;   // Never null.
  LinkState link = LinkState::kConnecting;
  std::string error;  // With kFailed: the error.

  Backend& backend() const { return *lease->backend(); }
  // As listed, or as the operator says.
  uint32_t weight() const {
    return backend().control.WeightOr(endpoint->weight);
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_ENTRY_H_
