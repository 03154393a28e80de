// StatusText(): the status of a process for people at a terminal.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_STATUS_TEXT_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_STATUS_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/observability/admin/admin.pb.h"

namespace multi_backend {

// Aligned tables, each cell at most 48 bytes but for the last of a line, which
// may have 200: for each channel its backends, balancers that panic or let
// calls wait, and routes.
std::string StatusText(const admin::v1::Status& status);

// The words of a status, for other tables of it:

// "42s", "5m12s", "3h4m", "2d5h"; "0s" for a negative one.
std::string Age(absl::Duration age);
// Its name, and its address if that differs: one name may have several.
std::string NameAndAddress(const admin::v1::Backend& backend);
// "DOWN", "ALIVE,draining", "ALIVE,drained,absent", with this separator.
std::string StateOf(const admin::v1::Backend& backend,
                    absl::string_view separator);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_STATUS_TEXT_H_
