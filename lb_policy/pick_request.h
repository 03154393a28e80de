// PickRequest: what a pick needs to know about its call.
#ifndef MULTI_BACKEND_LB_POLICY_PICK_REQUEST_H_
#define MULTI_BACKEND_LB_POLICY_PICK_REQUEST_H_

#include <cstdint>

#include "multi_backend/lb_policy/tried_backends.h"

namespace multi_backend {

struct PickRequest {
  bool has_key = false;
  uint64_t key_hash = 0;  // Of the sticky key, uniformly distributed.
  // Reasons in LoadStats::unusable_reasons that this pick ignores.
  uint32_t tolerated = 0;
  TriedBackends tried;  // By earlier attempts of this call.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PICK_REQUEST_H_
