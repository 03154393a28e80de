#include "multi_backend/lb_policy/strategies/algorithms/rendezvous.h"

namespace multi_backend {

Rendezvous::Rendezvous(absl::Span<const Member> members) {
  entries_.reserve(members.size());
  for (const Member& member : members) {
    const double turn = member.weight > 0
                            ? 1.0 / static_cast<double>(member.weight)
                            : std::numeric_limits<double>::infinity();
    entries_.push_back({member.hash, turn});
  }
}

}  // namespace multi_backend
