// Which of a balancer's members to eject because too large a share of their
// calls fails.  The rule looks at members side by side, so it may never take
// away more than a part of them: when all fail, the fault is elsewhere.
#ifndef MULTI_BACKEND_HEALTH_STATE_EJECTION_H_
#define MULTI_BACKEND_HEALTH_STATE_EJECTION_H_

#include <cstddef>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace multi_backend {

struct EjectionMember {
  // See FailureRate::Share(); nullopt also for one that is down already, from
  // whatever cause.
  absl::optional<double> failure_share;
  bool ejected = false;  // By this rule, and not back yet.
};

// The indices of the members to eject now, the worst first, of equals the
// first: those whose share is `threshold` or more (and more than 0).  With
// those that are ejected already they are at most `max_ejected_percent` of the
// members, rounded down.  O(n log n).
std::vector<size_t> ChooseEjections(absl::Span<const EjectionMember> members,
                                    double threshold, int max_ejected_percent);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_STATE_EJECTION_H_
