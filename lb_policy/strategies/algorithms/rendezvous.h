// Rendezvous: finds the member that owns a slot of the key space.
//
// This is weighted rendezvous hashing (Thaler, Ravishankar: "A name-based
// mapping scheme for rendezvous", 1996; weights as in Schindelhauer, Schomaker:
// "Weighted distributed hash tables", SPAA 2005).  For each slot every member
// draws a number u in (0, 1] from a hash of the slot and itself, and the least
// -ln(u) / weight wins.  A score depends only on the slot and the member, so a
// member that leaves frees only its own slots, and a member that joins changes
// no owner but to itself.  The order of scores is the order of fallback.
//
// Members of weight 0 take no part.  No two members may have the same hash: the
// first would take the slots of both.
//
// Cost: O(members) for Best, about 2 ns per member.  Few comparisons need the
// logarithm, because -ln(u) >= 1 - u settles most of them.
//
// Threads: immutable after construction.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_RENDEZVOUS_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_RENDEZVOUS_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class Rendezvous {
 public:
  static constexpr uint32_t kNobody = UINT32_MAX;

  explicit Rendezvous(absl::Span<const Member> members);

  // Returns the best member for `slot`, or kNobody if all weights are 0.
  uint32_t Best(uint32_t slot) const {
    Contest contest(*this, slot);
    for (uint32_t i = 0; i < entries_.size(); ++i) contest.Enter(i);
    return contest.winner();
  }

  // Returns the best member for which accept(index) holds, or kNobody.
  template <typename Accept>
  uint32_t BestIf(uint32_t slot, Accept accept) const {
    Contest contest(*this, slot);
    for (uint32_t i = 0; i < entries_.size(); ++i) {
      // Most members lose the contest, so accept() is called for few.
      if (contest.WouldWin(i) && accept(i)) contest.Enter(i);
    }
    return contest.winner();
  }

  // Returns the best of `champion` and `challengers`.
  uint32_t BestOf(uint32_t slot, uint32_t champion,
                  absl::Span<const uint32_t> challengers) const {
    Contest contest(*this, slot);
    contest.Enter(champion);
    for (const uint32_t i : challengers) contest.Enter(i);
    return contest.winner();
  }

 private:
  struct Entry {
    uint64_t hash;
    double turn;  // 1 / weight; infinity for weight 0.
  };

  // The competition of the members for one slot.
  class Contest {
   public:
    Contest(const Rendezvous& rendezvous, uint32_t slot)
        : entries_(rendezvous.entries_.data()),
          seed_(Mix64(uint64_t{slot} + 0x9e3779b97f4a7c15u)) {}

    uint32_t winner() const { return winner_; }
    void Enter(uint32_t index) { Compare(index, /*enter=*/true); }
    bool WouldWin(uint32_t index) { return Compare(index, /*enter=*/false); }

   private:
    bool Compare(uint32_t index, bool enter) {
      const Entry& entry = entries_[index];
      const uint64_t draw = Mix64(entry.hash ^ seed_);
      bool wins;
      double score = kUnknownScore;
      if (entry.turn == turn_) {
        // Between equal weights the higher draw has the better score.
        wins = draw > draw_;
      } else if (winner_ == kNobody) {
        wins = entry.turn != std::numeric_limits<double>::infinity();
      } else {
        if (score_ == kUnknownScore) score_ = Score(draw_, turn_);
        if ((1 - Unit(draw)) * entry.turn > score_) return false;
        score = Score(draw, entry.turn);
        wins = score < score_;
      }
      if (wins && enter) {
        winner_ = index;
        draw_ = draw;
        turn_ = entry.turn;
        score_ = score;
      }
      return wins;
    }

    static constexpr double kUnknownScore = -1;
    // Maps a draw to (0, 1].
    static double Unit(uint64_t draw) {
      return (static_cast<double>(draw >> 11) + 1) * 0x1p-53;
    }
    static double Score(uint64_t draw, double turn) {
      return -std::log(Unit(draw)) * turn;
    }

    const Entry* entries_;
    const uint64_t seed_;
    uint32_t winner_ = kNobody;
    uint64_t draw_ = 0;
    double turn_ = 0;  // Not read before there is a winner.
    double score_ = kUnknownScore;
  };

  std::vector<Entry> entries_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_RENDEZVOUS_H_
