// WaitingPlace: where one call stands in a backlog.
//
// Lives with the call, in its arena, so it is trivially destructible; Leave()
// must be called before the call ends.
//
// Threads: the call's own picks and its end, which are serialised by core.
#ifndef MULTI_BACKEND_LB_POLICY_WAITING_PLACE_H_
#define MULTI_BACKEND_LB_POLICY_WAITING_PLACE_H_

#include <cstdint>

#include "multi_backend/lb_policy/backlog.h"

namespace multi_backend {

struct WaitingPlace {
  Backlog* backlog = nullptr;  // Not owned; outlives the call.
  uint64_t number = 0;         // Kept for all picks of the call.
  bool waiting = false;

  // The call is being `sent`, was refused or has ended.  True when another call
  // may go now, for which a pass has to be published.
  bool Leave(bool sent = false) {
    if (!waiting) return false;
    waiting = false;
    return backlog->Leave(number, sent);
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_WAITING_PLACE_H_
