// Sticky: the same key, the same member; in proportion to weight.
//
// The owner of a key is a pure function of the key and the set of members (see
// algorithms/rendezvous.h), the same in every process and after every history.
// A member that leaves, drains or becomes unusable moves only its own keys; one
// that joins takes keys for nobody but itself.  A call that has tried its key's
// member goes on to the key's next one, in an order that is stable too.
//
// With load_bound a member that has no room (see algorithms/load_limit.h) is
// passed over for the key's next one that has.  A call without a key goes to a
// random member in proportion to weight.
//
// Cost: one read of the cache a pick.  The first pick of each of 2^19 slots
// costs O(members); when the predecessor knew the slot's owner, only O(members
// that are new or gained weight).  A pick whose owner cannot take it costs
// O(members).  2 MB of cache, plus the predecessor's.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_STICKY_STICKY_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_STICKY_STICKY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/optional.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/algorithms/load_limit.h"
#include "multi_backend/lb_policy/strategies/algorithms/owner_cache.h"
#include "multi_backend/lb_policy/strategies/algorithms/rendezvous.h"
#include "multi_backend/lb_policy/strategies/algorithms/weighted_draw.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class Sticky final : public Strategy {
 public:
  explicit Sticky(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  void TakeOver(const Sticky& previous,
                const std::vector<size_t>& previous_index);
  uint32_t FindOwner(uint32_t slot);
  size_t PickPastOwner(uint32_t slot, const PickRequest& request) const;

  const std::vector<Member> members_;
  const Rendezvous rendezvous_;
  const WeightedDraw draw_;
  FastRandom random_;  // Used by picks only, as the next one.
  absl::optional<LoadLimit> limit_;
  std::shared_ptr<OwnerCache> owners_;

  // The predecessor's owners; null when there was none.  Only its cache is
  // kept, and not its own predecessor's.
  std::shared_ptr<const OwnerCache> old_owners_;
  // For each old owner its index now; kNobody if it left or lost weight, so
  // that anybody may win its slots.
  std::vector<uint32_t> heirs_;
  // Members that can win a slot from an owner that kept its weight.
  std::vector<uint32_t> challengers_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_STICKY_STICKY_H_
