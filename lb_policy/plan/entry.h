// PlanEntry: one backend as a channel's pick plan sees it.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_ENTRY_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_ENTRY_H_

#include <memory>
#include <string>

#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// This channel's connection to the backend.
enum class Connection {
  kConnecting,  // Being made; no failure since the last success.
  kReady,
  kFailed,  // The newest attempt failed; core tries again by itself.
};

struct PlanEntry {
  std::shared_ptr<BackendPool::Lease> lease;  // Never null.
  std::shared_ptr<const Endpoint> endpoint;   // Never null.
  Connection connection = Connection::kConnecting;
  std::string error;  // With kFailed: why.

  Backend& backend() const { return *lease->backend(); }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_ENTRY_H_
