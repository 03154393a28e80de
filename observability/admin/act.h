// Act(): carries an action out.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_ACT_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_ACT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/observability/admin/action.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/admin/monitor.h"

namespace multi_backend {

// Carries the action out in each pool that knows the backend, and adds an event
// with who asked.  NOT_FOUND if no pool of the channels knows it, and
// INVALID_ARGUMENT if a field is wrong; then nothing is done.  When a pool
// refuses and another does not, the result says how many carried it out; when
// all refuse, the first error is returned.
absl::StatusOr<admin::v1::ActionResult> Act(const Monitor& monitor,
                                            const Action& action,
                                            absl::string_view asked_by);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_ACT_H_
