// ChooseEjections: decides which members of a balancer to eject because too
// large a share of their calls fails.
//
// The rule compares members of one balancer with each other and ejects at most
// a configured part of them.  When all members fail, the cause is probably
// elsewhere, and ejecting all would leave none to call.
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
  bool ejected = false;  // By this rule, and still out.
};

// Returns the indices of the members to eject now, those with the largest
// failure share first, and members of equal share in their order.
//
// A member is eligible if its failure share is above 0 and at least
// `threshold`, a ratio.  The result and the members that are ejected already
// are together at most `max_ejected_percent` of the members, rounded down.
// Cost: O(n log n).
std::vector<size_t> ChooseEjections(absl::Span<const EjectionMember> members,
                                    double threshold, int max_ejected_percent);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_STATE_EJECTION_H_
