// PickRequest: what a pick needs to know about its call.
#ifndef MULTI_BACKEND_LB_POLICY_PICK_REQUEST_H_
#define MULTI_BACKEND_LB_POLICY_PICK_REQUEST_H_

#include <cstdint>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/types/span.h"
#include "multi_backend/lb_policy/tried_backends.h"

namespace multi_backend {

struct PickRequest {
  bool has_key = false;
  uint64_t key_hash = 0;  // Of the sticky key, uniformly distributed.
  // Reasons in LoadStats::unusable_reasons that this pick ignores.
  uint32_t tolerated = 0;
  TriedBackends tried;  // By earlier attempts of this call.
  // Backends that do not admit this call; PickPlan::Pick() fills it.  It is
  // apart from `tried`, because it may hold any number of backends.
  absl::Span<const uint32_t> not_admitting;
  // If set, PickPlan::Pick() adds the ids of the backends whose slow start does
  // not admit this call.
  std::vector<uint32_t>* in_slow_start = nullptr;

  // Whether this call must not go to backend `id`, whatever other calls may do.
  bool Excludes(uint32_t id) const {
    return tried.Contains(id) || absl::c_linear_search(not_admitting, id);
  }
  bool excludes_any() const { return !tried.empty() || !not_admitting.empty(); }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PICK_REQUEST_H_
