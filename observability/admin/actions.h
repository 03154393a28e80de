// Actions: what an operator may do to backends through the admin service and
// the status page.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_ACTIONS_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_ACTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/admin/monitor.h"

namespace multi_backend {

enum class ActionKind {
  kMarkUnhealthy,
  kMarkHealthy,
  kDrain,
  kUndrain,
  kSetWeight,
  kResetWeight,
  kResetBackoff,
};

struct Action {
  ActionKind kind = ActionKind::kMarkHealthy;
  std::string target;                      // "" = of all channels.
  std::string backend;                     // Address or name.
  std::string reason;                      // "" = "by <who asked>".
  absl::optional<absl::Duration> timeout;  // With kDrain; unset = the pool's.
  uint32_t weight = 0;                     // With kSetWeight.
};

// "markUnhealthy", …, as in the paths of the page.
absl::string_view ActionName(ActionKind kind);

Action ActionOf(ActionKind kind, const admin::v1::BackendRequest& request);
// INVALID_ARGUMENT for a negative timeout.
absl::StatusOr<Action> ActionOf(const admin::v1::DrainRequest& request);
Action ActionOf(const admin::v1::SetWeightRequest& request);

// The action with this name, its request as JSON.  NOT_FOUND for a name that no
// action has, INVALID_ARGUMENT for bad JSON.
absl::StatusOr<Action> ParseAction(absl::string_view name,
                                   absl::string_view json);

// Carries the action out in each pool that knows the backend, and adds an event
// with who asked.  NOT_FOUND if no pool of the channels knows it, and
// INVALID_ARGUMENT if a field is wrong; then nothing is done.  When a pool
// refuses and another does not, the result says how many carried it out; when
// all refuse, the first error is returned.
absl::StatusOr<admin::v1::ActionResult> Act(const Monitor& monitor,
                                            const Action& action,
                                            absl::string_view asked_by);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_ACTIONS_H_
