// Weighted: rotates over the members by weight, earliest deadline first.
//
// Each member is due 1/weight after its last turn, and a pick takes the member
// that is due first.  In any sum(weights) picks each member is picked as often
// as its weight says, up to rounding.  The first due times are staggered, so
// that light members are spread between the heavy ones.  A member of weight 0
// drains.
//
// A successor takes over each member's phase, which is the part of a turn that
// the member still has to wait.  So a change of a weight or of the list does
// not restart the rotation.
//
// A member that this call has tried keeps its due time, so the next call gets
// it.  An unusable member loses its turns, so that it gets no burst of calls
// when it is usable again.
//
// Cost: O(log d) per pick for d distinct weights.  Members of equal weight form
// a ring, and a turn does not change the order of due times in the ring, so
// only the heads of the rings are compared.  With many unusable members a pick
// may cost O(n log n), until the next plan leaves them out.  Memory: 24 bytes
// per member.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_WEIGHTED_WEIGHTED_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_WEIGHTED_WEIGHTED_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/optional.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class Weighted final : public Strategy {
 public:
  explicit Weighted(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  // Virtual time wraps around, so instants are compared by their difference.
  // All due times lie within 2^62 of each other.
  using Time = uint64_t;

  // The members of one weight, in a ring ordered by due time from `head` on.
  struct Ring {
    Time turn;       // The length of a turn, proportional to 1/weight.
    uint32_t begin;  // Index into slots_.
    uint32_t size;
    uint32_t head;  // In [0, size).
  };
  struct Head {
    Time due;
    uint32_t ring;
  };
  // A position in the order of turns.
  struct Place {
    size_t heap_index;
    uint32_t offset;  // Distance from the ring's head.
    Time due;
  };

  static bool Before(Time a, Time b) { return static_cast<int64_t>(a - b) < 0; }
  static bool HeadBefore(const Head& a, const Head& b) {
    return a.due != b.due ? Before(a.due, b.due) : a.ring < b.ring;
  }
  Time TurnOf(uint32_t weight) const;
  Time DueOf(uint32_t member) const {
    return due_[member].load(std::memory_order_relaxed);
  }
  uint32_t& Slot(const Ring& ring, uint32_t offset) {
    const uint32_t position = ring.head + offset;
    return slots_[ring.begin +
                  (position < ring.size ? position : position - ring.size)];
  }

  // Construction.
  void MakeRings();
  void SetFirstTurns(const StrategyArgs& args);
  void SortRings();

  // Picking.
  size_t Take(const Place& place);
  size_t PickPastBlocked(const PickRequest& request);
  absl::optional<Place> FirstEligible(const PickRequest& request);
  bool LosesTurn(uint32_t member, const PickRequest& request) const;
  void ChargeTop();
  void ChargeAllBefore(Time limit, const PickRequest& request);
  void SiftDown(size_t heap_index);

  const std::vector<Member> members_;
  uint32_t least_weight_ = 0;                 // The least positive weight.
  std::unique_ptr<std::atomic<Time>[]> due_;  // Indexed by member.
  std::vector<uint32_t> slots_;               // Members, ring after ring.
  std::vector<Ring> rings_;
  std::vector<Head> heap_;    // The earliest is first.
  std::atomic<Time> now_{0};  // When the last turn was due.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_WEIGHTED_WEIGHTED_H_
