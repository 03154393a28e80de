// TwoChoices: draws two distinct members at random, in proportion to weight.
//
// Taking the better of two random members balances nearly as well as taking the
// best of all, and its cost does not depend on their number (Mitzenmacher: "The
// power of two choices in randomized load balancing", 1996).
//
// Thread-compatible.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_TWO_CHOICES_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_TWO_CHOICES_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/algorithms/weighted_draw.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class TwoChoices {
 public:
  // `members` must outlive this object.
  TwoChoices(absl::Span<const Member> members, uint64_t seed)
      : members_(members), draw_(members), random_(seed) {}

  // Draws a pair and returns better(a, b) of their indices if both members are
  // eligible, or the eligible one of the two.  If several pairs in a row have
  // no eligible member, returns the first eligible member after a random one.
  template <typename Better>
  size_t Pick(const PickRequest& request, Better better) {
    if (members_.size() < 2) return ScanEligible(request);
    for (int i = 0; i < kPairs; ++i) {
      const Pair pair = Draw();
      const bool a = members_[pair.a].Eligible(request);
      const bool b = members_[pair.b].Eligible(request);
      if (a && b) return better(pair.a, pair.b);
      if (a) return pair.a;
      if (b) return pair.b;
    }
    return ScanEligible(request);
  }

 private:
  // Pairs drawn before the scan.  With half of the members ineligible, one pick
  // in 256 has to scan.
  static constexpr int kPairs = 4;

  struct Pair {
    uint32_t a = 0;
    uint32_t b = 0;
  };

  Pair Draw() {
    Pair pair;
    pair.a = draw_.Draw(random_);
    if (draw_.uniform()) {
      pair.b = random_.Below(static_cast<uint32_t>(members_.size() - 1));
      if (pair.b >= pair.a) ++pair.b;
    } else {
      pair.b = DrawOther(pair.a);
    }
    return pair;
  }

  uint32_t DrawOther(uint32_t first) {
    // If one member holds nearly all the weight, the draws may all return it.
    // Any other member then serves as the second.
    for (int i = 0; i < kPairs; ++i) {
      const uint32_t other = draw_.Draw(random_);
      if (other != first) return other;
    }
    const uint32_t other =
        random_.Below(static_cast<uint32_t>(members_.size() - 1));
    return other >= first ? other + 1 : other;
  }

  size_t ScanEligible(const PickRequest& request) {
    const size_t size = members_.size();
    if (size == 0) return Strategy::kNone;
    size_t index = random_.Below(static_cast<uint32_t>(size));
    for (size_t i = 0; i < size; ++i) {
      if (members_[index].Eligible(request)) return index;
      if (++index == size) index = 0;
    }
    return Strategy::kNone;
  }

  const absl::Span<const Member> members_;
  const WeightedDraw draw_;
  FastRandom random_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_TWO_CHOICES_H_
