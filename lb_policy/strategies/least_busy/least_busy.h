// LeastBusy: picks the member with the fewest calls in flight for its weight.
// Ties are settled at random, in proportion to weight.
//
// Two kinds of members have few calls in flight and would get too many: one
// that fails at once, and one in slow start, which refuses most calls.  So a
// failed attempt, and a call that was refused, go on counting as a call in
// flight for as long as the calls of this balancer take on average.  The member
// is then chosen for no more than its share.  Time is measured in picks: by
// Little's law, n calls are in flight if a call takes as long as n picks do. So
// the count decays by one part in n with each pick.  A new plan starts without
// it.
//
// With up to 32 members it compares all of them; with more it takes the better
// of two random ones (see algorithms/two_choices.h).
//
// Cost: O(members) with up to 32 members; with more, O(1) while most of them
// are eligible.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_LEAST_BUSY_LEAST_BUSY_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_LEAST_BUSY_LEAST_BUSY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/algorithms/two_choices.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class LeastBusy final : public Strategy {
 public:
  // The largest number of members that a pick compares.  Comparing 32 takes
  // less time than a badly placed call loses, and a set of tied members fits
  // into one 32-bit word.
  static constexpr size_t kCompareAllUpTo = 32;

  explicit LeastBusy(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  // Of one member.
  struct Held {
    double calls = 0;       // What failures and refusals count as.
    uint32_t failures = 0;  // LoadStats::failures at the last look.
    uint32_t pick = 0;      // picks_ at the last look.
  };
  // In flight / weight, compared by cross-multiplication.
  struct Busyness {
    double calls;
    double weight;

    bool operator<(const Busyness& other) const {
      return calls * other.weight < other.calls * weight;
    }
  };

  size_t PickOfAll(const PickRequest& request);
  size_t PickOfTwo(const PickRequest& request);
  size_t DrawTied(uint32_t tied);
  Busyness Look(size_t index);
  void HoldIfRefused(const PickRequest& request);

  const std::vector<Member> members_;
  // Used by picks only:
  TwoChoices choices_;
  FastRandom random_;
  std::vector<Held> held_;  // By member.
  uint32_t picks_ = 0;      // Modulo 2^32.
  size_t last_ = kNone;     // The member picked last.
  // The calls in flight of all members, with those held, at the last pick; an
  // estimate when picks look at two members only.
  double total_calls_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_LEAST_BUSY_LEAST_BUSY_H_
