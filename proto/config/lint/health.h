// Warnings about health checks and backlogs; a part of lint.h.
#ifndef MULTI_BACKEND_PROTO_CONFIG_LINT_HEALTH_H_
#define MULTI_BACKEND_PROTO_CONFIG_LINT_HEALTH_H_

#include <vector>

#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/config/lint/lint.h"

namespace multi_backend {

// Cost: linear in the number of balancers.  Pure and thread-safe.
std::vector<LintWarning> LintHealth(const PolicyConfig& policy);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_LINT_HEALTH_H_
