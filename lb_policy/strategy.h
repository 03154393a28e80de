// Strategy: chooses one of a balancer's members for a call.
//
// A strategy object is made for one fixed list of members (a pick plan is
// immutable); when the list changes, a new object is made that takes over its
// predecessor's position, so that a change never resets a rotation.
//
// Contract of every strategy:
//  * picks only eligible members: usable, weight > 0, not tried by this call;
//  * kNone if and only if no member is eligible;
//  * flat in the number of members (amortised), unless its header says more.
//
// Threads: Pick() calls on one object are serialised by the caller (gRPC 1.51
// picks under the channel's lock).  Everything that Pick() changes is a relaxed
// atomic, because the control plane may build a successor from the object while
// picks go on; a handful of picks that fall between are then forgotten.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGY_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "multi_backend/lb_policy/clock.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/lb_policy/pick_request.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// An inner balancer as its parent sees it.
class BalancerMember {
 public:
  virtual ~BalancerMember() = default;
  // Whether a pick in it would succeed.
  virtual bool HasEligible(const PickRequest& request) const = 0;
};

// One member: a backend, or (balancer != nullptr) an inner balancer.
struct Member {
  LoadStats* load = nullptr;  // Not owned, outlives the strategy.
  const BalancerMember* balancer = nullptr;  // Not owned.
  uint32_t id = 0;       // Of the backend, unique in the process.
  uint32_t weight = 0;   // 0 = drain.
  int32_t priority = 0;  // Smaller is better (PRIMARY).
  uint64_t hash = 0;     // Of the address: the same in every process (STICKY).

  bool Eligible(const PickRequest& request) const {
    if (weight == 0 || !load->usable(request.tolerated)) {
      return false;
    }
    if (balancer != nullptr) {
      return balancer->HasEligible(request);
    }
    return request.tried.empty() || !request.tried.Contains(id);
  }
};

class Strategy {
 public:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  virtual ~Strategy() = default;

  // Index of the chosen member, or kNone.
  virtual size_t Pick(const PickRequest& request) = 0;
};

struct StrategyArgs {
  BalancerConfig config;  // strategy and its options; `members` is not used.
  std::vector<Member> members;
  // The strategy of the same node in the plan before, if it was of the same
  // kind; only read, and only during construction.
  const Strategy* previous = nullptr;
  // For each of `members`, its index in the previous one's; kNone = new.
  // Empty when previous is null.
  std::vector<size_t> previous_index;
  const Clock* clock = nullptr;  // Not owned; required.
  uint64_t seed = 0;             // Of the strategy's own random numbers.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGY_H_
