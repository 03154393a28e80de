// WaitingPlace: where one call stands in a backlog.
//
// Lives with the call, in its arena, so it is trivially destructible; Leave()
// must be called before the call ends.
//
// Threads: the call's own picks and its end, which are serialised by core.
#ifndef MULTI_BACKEND_LB_POLICY_WAITING_PLACE_H_
#define MULTI_BACKEND_LB_POLICY_WAITING_PLACE_H_

#include <cstdint>

#include "multi_backend/lb_policy/waiting/backlog.h"

namespace multi_backend {

struct WaitingPlace {
  Backlog* backlog = nullptr;  // Not owned; outlives the call.
  uint64_t number = 0;         // Kept for all picks of the call.
  bool waiting = false;
  // Its attempts are used up: it may only go when it had to wait, for backends
  // that are back.
  bool must_wait = false;
  int64_t look_until = 0;  // See LookAgain(); 0 = not asked yet.

  // For how long the news of a lost connection may be on its way.
  static constexpr int64_t kLookNanos = 20'000'000;

  // A retry has found all usable backends tried.  They may all have gone, which
  // the plan does not know yet: true when the pick is to be made again with the
  // next picker, at `look_until` at the latest.
  bool LookAgain(int64_t now) {
    if (backlog == nullptr) return false;
    must_wait = true;
    if (look_until == 0) look_until = now + kLookNanos;
    return now < look_until;
  }

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
