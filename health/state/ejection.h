// How many members of a balancer failed calls may eject, and which ones to
// eject because too large a share of their calls fails.
//
// At most a configured part of the members is ejected.  When all of them fail,
// the cause is probably elsewhere, and ejecting all would leave none to call.
#ifndef MULTI_BACKEND_HEALTH_STATE_EJECTION_H_
#define MULTI_BACKEND_HEALTH_STATE_EJECTION_H_

#include <cstddef>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace multi_backend {

struct EjectionMember {
  // As returned by FailureRate::Share().  Also nullopt for a member that is
  // already down, for whatever reason.
  absl::optional<double> failure_share;
  bool ejected = false;  // By failed calls, and still out.
};

// Returns how many of `members` may be ejected at the same time:
// `max_ejected_percent` of them, rounded down.
constexpr size_t MaxEjected(size_t members, int max_ejected_percent) {
  return members * static_cast<size_t>(max_ejected_percent) / 100;
}

// Returns the indices of the members to eject now, those with the largest
// failure share first, and members of equal share in their order.
//
// A member is eligible if its failure share is above 0 and at least
// `threshold`, a ratio.  The result and the members that are ejected already
// are together at most MaxEjected().
// Cost: O(n log n).
std::vector<size_t> ChooseEjections(absl::Span<const EjectionMember> members,
                                    double threshold, int max_ejected_percent);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_STATE_EJECTION_H_
