// BacklogTicket: the place of one call in a backlog.
//
// It lives in the call's arena, which never runs a destructor, so it is
// trivially destructible.  Leave() must be called before the call ends.
//
// Threads: only the call itself uses it, in its picks, the starts of its
// attempts, its retry decisions and its end.  Core never runs two of these at
// the same time for one call, although it picks for many calls at once.
#ifndef MULTI_BACKEND_LB_POLICY_WAITING_TICKET_H_
#define MULTI_BACKEND_LB_POLICY_WAITING_TICKET_H_

#include <cstdint>

#include "multi_backend/lb_policy/waiting/backlog.h"

namespace multi_backend {

struct BacklogTicket {
  Backlog* backlog = nullptr;  // Not owned; outlives the call.
  uint64_t number = 0;         // Kept for all picks of the call.
  bool waiting = false;
  // No backend was usable when the call began to wait.
  bool joined_in_outage = false;
  // The call's attempts have tried all usable backends.  It may only go after
  // it has waited for backends to come back.
  bool must_wait = false;
  // See AwaitFreshPlan(); 0 = not called yet.
  int64_t await_fresh_plan_until = 0;

  // How long the report of a lost connection may take to reach the plan.
  static constexpr int64_t kAwaitFreshPlanNanos = 20'000'000;

  // Call when a retry has found that it already tried all usable backends.
  // They may all have failed since, and the plan may not know yet.  Returns
  // true if the pick must be made again with the next picker, or at
  // `await_fresh_plan_until` if none is published before.
  bool AwaitFreshPlan(int64_t now) {
    if (backlog == nullptr) return false;
    must_wait = true;
    if (await_fresh_plan_until == 0) {
      await_fresh_plan_until = now + kAwaitFreshPlanNanos;
    }
    return now < await_fresh_plan_until;
  }

  // Call when the call is being `sent`, was refused or has ended.  Returns true
  // if another call may go now; the caller then publishes a pass.
  bool Leave(bool sent = false) {
    if (!waiting) return false;
    waiting = false;
    return backlog->Leave(number, sent);
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_WAITING_TICKET_H_
