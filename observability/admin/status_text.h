// StatusText(): the status of a process for people at a terminal.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_STATUS_TEXT_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_STATUS_TEXT_H_

#include <string>

#include "multi_backend/observability/admin/admin.pb.h"

namespace multi_backend {

// Aligned tables, each cell at most 48 bytes but for the last of a line, which
// may have 200: for each channel its backends, balancers that panic or let
// calls wait, and routes.
std::string StatusText(const admin::v1::Status& status);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_STATUS_TEXT_H_
