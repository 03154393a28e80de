// Weighted: smooth weighted rotation, earliest deadline first.
//
// Each member is due 1/weight after its last turn; the pick takes the one that
// is due first.  In every sum(weights) picks each member gets exactly its
// weight (give or take rounding), and light members are spread between the
// heavy ones: initial due times are staggered, so that no burst of one kind
// comes up. Weight 0 = drain.
//
// A successor takes over each member's phase: the part of a turn that it has
// still to wait.  So a change of one weight, or of the list, resets nothing.
//
// A member that is not picked because this call tried it keeps its due time and
// is the next one's; one that is unusable loses its turns, so that it does not
// burst when it comes back.
//
// Cost: O(log d) a pick, d = number of distinct weights: members of equal
// weight form a ring, whose order of due times no turn changes, so only the
// rings' heads are compared.  With many unusable members in the list a pick may
// cost O(n log n), until the next plan leaves them out.  24 bytes a member.
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
  // Virtual time: wraps around, so instants are compared by their difference.
  // All due times lie within 2^62 of each other.
  using Time = uint64_t;

  // The members of one weight, in a ring ordered by due time from `head` on.
  struct Ring {
    Time turn;       // What a turn costs: 1/weight.
    uint32_t begin;  // In slots_.
    uint32_t size;
    uint32_t head;  // 0 .. size - 1.
  };
  struct Head {
    Time due;
    uint32_t ring;
  };
  // A place in the order of turns.
  struct Place {
    size_t heap_index;
    uint32_t offset;  // From the ring's head.
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
  uint32_t least_weight_ = 0;                 // Of the members that take part.
  std::unique_ptr<std::atomic<Time>[]> due_;  // By member.
  std::vector<uint32_t> slots_;               // Members, ring after ring.
  std::vector<Ring> rings_;
  std::vector<Head> heap_;    // The earliest first.
  std::atomic<Time> now_{0};  // When the last turn was due.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_WEIGHTED_WEIGHTED_H_
