// Action: what an operator may ask to be done to a backend, through the admin
// service, the status page or the command line.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_ACTION_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_ACTION_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/observability/admin/admin.pb.h"

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

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_ACTION_H_
