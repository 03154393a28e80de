// Strategy: chooses one of a balancer's members for a call.
//
// A pick plan is immutable, so a strategy object is made for one fixed list of
// members.  When the list changes, a new object takes over its predecessor's
// position, so that a change does not restart a rotation.
//
// Contract of every strategy:
//  * It picks only eligible members, which are usable, have a positive weight,
//    admit this call and have not been tried by it.
//  * It returns kNone if and only if no member is eligible.
//  * The amortized cost of a pick does not grow with the number of members,
//    unless the strategy's header says otherwise.
//
// Threads: the caller serialises Pick() calls on one object; the plan that owns
// the strategy does it with its pick lock (plan/pick_plan.h), whatever core
// does.  The choices that one call makes in one pick follow each other without
// those of another call in between.  Two things go on at the same time:
//  * Calls begin and end on any thread, so LoadStats change during a pick.
//  * The control plane may build a successor from the object, whose own picks
//    then run beside those of the predecessor.  So whatever a successor reads
//    and Pick() changes is a relaxed atomic, or thread-safe if the two share
//    it.  The successor may miss the few picks made meanwhile.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGY_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/lb_policy/pick_request.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// The interface of an inner balancer to its parent.
class BalancerMember {
 public:
  virtual ~BalancerMember() = default;
  // Whether a pick from this balancer would succeed.
  virtual bool HasEligible(const PickRequest& request) const = 0;
};

// One member: a backend, or (balancer != nullptr) an inner balancer.
struct Member {
  LoadStats* load = nullptr;  // Not owned, outlives the strategy.
  const BalancerMember* balancer = nullptr;  // Not owned.
  uint32_t id = 0;       // The backend's id, unique in the process.
  uint32_t weight = 0;   // 0 = drain.
  int32_t priority = 0;  // Smaller is better (PRIMARY).
  uint64_t hash = 0;  // Hash of the address, equal in all processes (STICKY).

  bool Eligible(const PickRequest& request) const {
    if (weight == 0 || !load->usable(request.tolerated)) {
      return false;
    }
    if (balancer != nullptr) {
      return balancer->HasEligible(request);
    }
    return !request.excludes_any() || !request.Excludes(id);
  }
};

class Strategy {
 public:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  virtual ~Strategy() = default;

  // Returns the index of the chosen member, or kNone.
  virtual size_t Pick(const PickRequest& request) = 0;
};

struct StrategyArgs {
  BalancerConfig config;  // Strategy and its options; `members` is not used.
  std::vector<Member> members;
  // The strategy of this node in the previous plan if it was of the same kind,
  // else null.  It is only read, and only during construction.
  const Strategy* previous = nullptr;
  // For each of `members`, its index in the previous strategy's list, or kNone
  // if it is new.  Empty when `previous` is null.
  std::vector<size_t> previous_index;
  const Clock* clock = nullptr;  // Not owned; required.
  uint64_t seed = 0;             // Seeds the strategy's random numbers.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGY_H_
