// TwoChoices: two distinct members at random, in proportion to weight, drawn
// ahead.
//
// "The power of two choices": the better of two random members balances nearly
// as well as the best of all, at a cost that does not depend on their number
// (Mitzenmacher 1996).  Its trap is memory: two random members of 10,000 are
// two cache misses each for the list and the numbers.  So pairs are drawn some
// picks ahead, and what they need is on its way into the cache while other
// calls go out.  Only indices are drawn ahead; the numbers are compared when
// the pick happens.
//
// Thread-compatible.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_TWO_CHOICES_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_TWO_CHOICES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/algorithms/weighted_draw.h"
#include "multi_backend/lb_policy/strategies/strategy.h"

namespace multi_backend {

class TwoChoices {
 public:
  // 16 bytes: none straddles cache lines, and 10,000 fit the L2 cache.
  struct Candidate {
    LoadStats* load;
    uint32_t weight;
    uint32_t id;
  };

  // `members` must outlive this object.
  TwoChoices(absl::Span<const Member> members, uint64_t seed)
      : members_(members), draw_(members), random_(seed) {
    candidates_.reserve(members_.size());
    for (const Member& member : members_) {
      candidates_.push_back({member.load, member.weight, member.id});
      nested_ = nested_ || member.balancer != nullptr;
    }
    if (members_.size() < 2) return;
    for (Pair& pair : drawn_) pair = Draw();
  }

  const Candidate& candidate(size_t index) const { return candidates_[index]; }
  // Null when nothing is drawn ahead.
  const Strategy::Upcoming* upcoming() const {
    return members_.size() < 2 ? nullptr : &upcoming_;
  }

  // Calls better(a, b), two distinct eligible members' indices, to choose; with
  // one eligible member of a pair takes that one.  When several pairs in a row
  // have none, takes the first eligible member after a random one.
  template <typename Better>
  size_t Pick(const PickRequest& request, Better better) {
    if (ABSL_PREDICT_FALSE(members_.size() < 2)) return ScanEligible(request);
    for (int i = 0; i < kPairs; ++i) {
      const Pair pair = Next();
      const bool a = Eligible(pair.a, request);
      const bool b = Eligible(pair.b, request);
      if (ABSL_PREDICT_TRUE(a && b)) return better(pair.a, pair.b);
      if (a) return pair.a;
      if (b) return pair.b;
    }
    return ScanEligible(request);
  }

 private:
  // Pairs before the scan: with half of the members ineligible 1 in 256 scans.
  static constexpr int kPairs = 4;

  // Pairs drawn ahead: picks follow each other in some 40 ns at the fastest, a
  // member's numbers come from memory in some 80.  With more of them the first
  // level of the TLB has forgotten their pages again when their turn comes.
  static constexpr uint32_t kAhead = 4;

  struct Pair {
    uint32_t a = 0;
    uint32_t b = 0;
  };

  // As Member::Eligible.
  bool Eligible(size_t index, const PickRequest& request) const {
    if (ABSL_PREDICT_FALSE(nested_)) return members_[index].Eligible(request);
    const Candidate& candidate = candidates_[index];
    return candidate.weight > 0 && candidate.load->usable(request.tolerated) &&
           (ABSL_PREDICT_TRUE(request.tried.empty()) ||
            !request.tried.Contains(candidate.id));
  }

  // The pair drawn longest ago.  In its place a new one is drawn, whose entries
  // of the list are fetched now; the numbers behind an entry are fetched when
  // the entry has had half of the time to arrive.
  Pair Next() {
    Pair& oldest = drawn_[next_];
    const Pair pair = oldest;
    oldest = Draw();
    __builtin_prefetch(&candidates_[oldest.a]);
    __builtin_prefetch(&candidates_[oldest.b]);
    next_ = (next_ + 1) % kAhead;
    const Pair& midway = drawn_[(next_ + kAhead / 2) % kAhead];
    __builtin_prefetch(candidates_[midway.a].load);
    __builtin_prefetch(candidates_[midway.b].load);
    upcoming_ = {{oldest.a, oldest.b}, {midway.a, midway.b}};
    return pair;
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
      if (Eligible(index, request)) return index;
      if (++index == size) index = 0;
    }
    return Strategy::kNone;
  }

  const absl::Span<const Member> members_;
  std::vector<Candidate> candidates_;  // By member.
  bool nested_ = false;                // Whether some members are balancers.
  const WeightedDraw draw_;
  FastRandom random_;
  Pair drawn_[kAhead];
  uint32_t next_ = 0;
  Strategy::Upcoming upcoming_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_TWO_CHOICES_H_
