// WeightedDraw: draws a member at random, in proportion to its weight.
//
// Walker's alias method as built by Vose ("A linear algorithm for generating
// random numbers with a given distribution", 1991).  It uses integers, so that
// shares are exact to one part in 2^32.
//
// Cost: a draw takes one random number and reads at most one table entry.  The
// table has 8 bytes per member; there is none when all weights are equal.
// Threads: immutable after construction.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_WEIGHTED_DRAW_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_WEIGHTED_DRAW_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

class WeightedDraw {
 public:
  // Requires at most 2^31 members.
  explicit WeightedDraw(absl::Span<const Member> members);

  // Returns the index of a member, of weight 0 only if all weights are 0.
  // Requires at least one member.
  uint32_t Draw(FastRandom& random) const { return DrawBits(random.Next()); }

  // Maps 64 uniform bits to a member.
  uint32_t DrawBits(uint64_t bits) const {
    const uint32_t column = ScaleBits(static_cast<uint32_t>(bits >> 32), size_);
    if (columns_.empty()) return column;
    const Column& c = columns_[column];
    return static_cast<uint32_t>(bits) < c.own_share ? column : c.alias;
  }

  // Whether all members have the same weight.
  bool uniform() const { return columns_.empty(); }

 private:
  struct Column {
    uint32_t own_share;  // In units of 2^-32; the rest belongs to `alias`.
    uint32_t alias;      // The column's own index when it has no alias.
  };

  void BuildColumns(absl::Span<const Member> members, uint64_t total);

  uint32_t size_;
  std::vector<Column> columns_;  // Empty when uniform.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_WEIGHTED_DRAW_H_
