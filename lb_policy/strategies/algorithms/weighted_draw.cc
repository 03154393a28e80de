#include "multi_backend/lb_policy/strategies/algorithms/weighted_draw.h"

#include "absl/numeric/int128.h"

namespace multi_backend {

WeightedDraw::WeightedDraw(absl::Span<const Member> members)
    : size_(static_cast<uint32_t>(members.size())) {
  if (members.empty()) return;
  uint64_t total = 0;
  bool equal = true;
  for (const Member& member : members) {
    total += member.weight;
    equal = equal && member.weight == members[0].weight;
  }
  if (!equal) BuildColumns(members, total);
}

// Every column holds `total` units, and member i brings weight * size units.  A
// column that its own member cannot fill is filled up by a member that has more
// than fits into its own column.
void WeightedDraw::BuildColumns(absl::Span<const Member> members,
                                uint64_t total) {
  columns_.resize(size_);
  std::vector<uint64_t> units(size_);
  std::vector<uint32_t> small;
  std::vector<uint32_t> large;
  for (uint32_t i = 0; i < size_; ++i) {
    units[i] = uint64_t{members[i].weight} * size_;
    (units[i] < total ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const uint32_t poor = small.back();
    const uint32_t rich = large.back();
    small.pop_back();
    columns_[poor].own_share = static_cast<uint32_t>(absl::Uint128Low64(
        (absl::uint128(units[poor]) << 32) / absl::uint128(total)));
    columns_[poor].alias = rich;
    units[rich] -= total - units[poor];
    if (units[rich] < total) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  // The arithmetic is exact, so the columns that remain are exactly full.
  for (const uint32_t i : large) columns_[i] = {0, i};
  for (const uint32_t i : small) columns_[i] = {0, i};
}

}  // namespace multi_backend
