// Sticky: sends calls with the same key to the same member.  Keys are spread
// over the members in proportion to weight.
//
// The owner of a key is a pure function of the key and the set of members (see
// algorithms/rendezvous.h), so all processes agree on it, whatever changes they
// have seen.  A member that leaves, drains or becomes unusable moves only its
// own keys; a member that joins moves keys only to itself.  A call that has
// tried its key's owner goes to the key's next member, in an order that is as
// stable as the owner.
//
// With load_bound, a member without room (see algorithms/load_limit.h) is
// passed over for the key's next member that has room.  A call without a key
// goes to a random member, in proportion to weight.  A member that drains
// (LoadStats::kKeysOnly) is eligible for the keys that it owns, and no others.
//
// Cost: a pick reads the cache once.  The first pick in each of the 2^19 slots
// costs O(members), or only O(members that are new or gained weight) if the
// predecessor knew the slot's owner.  A pick whose owner is not eligible or has
// no room costs O(members).  Memory: 2 MB of cache, and as much for the
// predecessor's.
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
  FastRandom random_;  // Used by picks only, as is limit_.
  absl::optional<LoadLimit> limit_;
  std::shared_ptr<OwnerCache> owners_;

  // The cache from before the last change of the members; null if they have not
  // changed.  Older caches are dropped.
  std::shared_ptr<const OwnerCache> old_owners_;
  // For each old member its index now, or kNobody if it left or lost weight:
  // then any member may win its slots.
  std::vector<uint32_t> heirs_;
  // The members that can win a slot from an owner that kept its weight.
  std::vector<uint32_t> challengers_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_STICKY_STICKY_H_
