// Lint: finds what is legal in a configuration and probably not meant.
//
// A warning never stops a channel; it tells the user what the configuration
// does.  Lint stays silent when in doubt.
//
// Cost: linear, but for the comparison of routes (routes.h).  Pure and
// thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_LINT_LINT_H_
#define MULTI_BACKEND_PROTO_CONFIG_LINT_LINT_H_

#include <string>
#include <vector>

#include "multi_backend/proto/config/config.h"

namespace multi_backend {

struct LintWarning {
  std::string field;  // Its path, as in errors: "routes[2].match.method".
  std::string message;
};

// Requires a configuration that parsed without errors.  The warnings come in a
// fixed order: failover codes, health, backlogs, sticky key, and then the
// routes one by one.
std::vector<LintWarning> LintConfig(const Config& config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_LINT_LINT_H_
