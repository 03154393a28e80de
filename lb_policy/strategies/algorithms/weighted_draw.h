// WeightedDraw: a member at random, in proportion to its weight.
//
// Walker's alias method as built by Vose ("A linear algorithm for generating
// random numbers with a given distribution", 1991), in integers, so that the
// shares are exact to one part in 2^32.
//
// Cost: one random number and at most one table entry a draw, whatever the
// number of members; 8 bytes a member, none when all weights are equal.
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

  // Index of a member; one of weight 0 only if there is no other.  Requires at
  // least one member.
  uint32_t Draw(FastRandom& random) const { return DrawBits(random.Next()); }

  // The member that 64 uniform bits stand for.
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
    uint32_t own_share;  // Of 2^32; the rest of the column is the alias's.
    uint32_t alias;      // The column itself when it is all its own.
  };

  void BuildColumns(absl::Span<const Member> members, uint64_t total);

  uint32_t size_;
  std::vector<Column> columns_;  // Empty when uniform.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_WEIGHTED_DRAW_H_
