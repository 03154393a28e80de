#include "multi_backend/lb_policy/strategies/algorithms/load_limit.h"

namespace multi_backend {

LoadLimit::LoadLimit(absl::Span<const Member> members, double bound)
    : members_(members), bound_(bound), shares_(members.size()) {
  const size_t rounds = (members_.size() + kRefreshed - 1) / kRefreshed;
  for (size_t i = 0; i < rounds; ++i) Refresh();
}

void LoadLimit::Refresh() {
  const size_t size = members_.size();
  const size_t refreshed = size <= kExactUpTo ? size : kRefreshed;
  for (size_t i = 0; i < refreshed; ++i) {
    const Member& member = members_[next_];
    Share share;
    if (member.weight > 0 && member.load->usable()) {
      share.calls = member.load->in_flight.load(std::memory_order_relaxed);
      share.weight = member.weight;
    }
    Share& last = shares_[next_];
    calls_ += share.calls - last.calls;
    weight_ += uint64_t{share.weight} - last.weight;
    last = share;
    if (++next_ == size) next_ = 0;
  }
  if (weight_ == 0) return;  // No member can be picked.
  calls_per_weight_ =
      bound_ * static_cast<double>(calls_ + 1) / static_cast<double>(weight_);
}

}  // namespace multi_backend
