// TwoChoices: two distinct members at random, in proportion to weight, drawn
// ahead.
//
// "The power of two choices": the better of two random members balances nearly
// as well as the best of all, at a cost that does not depend on their number
// (Mitzenmacher 1996).  Its trap is memory: two random members of 10,000 are
// two cache misses each for the list and the numbers.  So pairs are drawn two
// picks ahead, and what they need is on its way into the cache while other
// calls go out.  Only indices are drawn ahead; the numbers are compared when
// the pick happens.
//
// Thread-compatible.
#ifndef MULTI_BACKEND_LB_POLICY_TWO_CHOICES_H_
#define MULTI_BACKEND_LB_POLICY_TWO_CHOICES_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategy.h"
#include "multi_backend/lb_policy/weighted_draw.h"

namespace multi_backend {

class TwoChoices {
 public:
  // `members` must outlive this object.
  TwoChoices(absl::Span<const Member> members, uint64_t seed)
      : members_(members), draw_(members), random_(seed) {
    if (members_.size() < 2) return;
    // Twice: the second call fills what the first one has no pair for yet.
    Prepare();
    Prepare();
  }

  // Calls better(a, b), two distinct eligible members' indices, to choose; with
  // one eligible member of a pair takes that one.  When several pairs in a row
  // have none, takes the first eligible member after a random one.
  template <typename Better>
  size_t Pick(const PickRequest& request, Better better) {
    if (ABSL_PREDICT_FALSE(members_.size() < 2)) return ScanEligible(request);
    for (int i = 0; i < kPairs; ++i) {
      const Pair pair = next_;
      Prepare();
      const bool a = members_[pair.a].Eligible(request);
      const bool b = members_[pair.b].Eligible(request);
      if (ABSL_PREDICT_TRUE(a && b)) return better(pair.a, pair.b);
      if (a) return pair.a;
      if (b) return pair.b;
    }
    return ScanEligible(request);
  }

 private:
  // Pairs before the scan.  With half of the members ineligible one pick in 256
  // scans.
  static constexpr int kPairs = 4;

  struct Pair {
    uint32_t a = 0;
    uint32_t b = 0;
  };

  // Advances both stages: the pair after the next is drawn and its entries of
  // the list are fetched; those of the next pair have arrived by now, so that
  // its numbers can be fetched through them.
  void Prepare() {
    next_ = after_next_;
    __builtin_prefetch(members_[next_.a].load);
    __builtin_prefetch(members_[next_.b].load);
    after_next_ = Draw();
    __builtin_prefetch(&members_[after_next_.a]);
    __builtin_prefetch(&members_[after_next_.b]);
  }

  Pair Draw() {
    Pair pair;
    pair.a = draw_.Draw(random_);
    if (ABSL_PREDICT_TRUE(draw_.uniform())) {
      pair.b = random_.Below(static_cast<uint32_t>(members_.size() - 1));
      if (pair.b >= pair.a) ++pair.b;
    } else {
      pair.b = DrawOther(pair.a);
    }
    return pair;
  }

  uint32_t DrawOther(uint32_t first) {
    // One member may hold nearly all the weight; then any other will do.
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
  Pair next_;
  Pair after_next_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_TWO_CHOICES_H_
