// Things in a valid configuration that are probably not meant.
//
// Cost: the comparison of routes with each other is quadratic and stops after
// a fixed number of steps (about 0.1 s); everything else is linear.
// Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_LINT_LINT_H_
#define MULTI_BACKEND_PROTO_CONFIG_LINT_LINT_H_

#include <string>
#include <vector>

#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// A thing that is legal and probably not meant.
struct LintWarning {
  std::string field;  // Path, as in errors.
  std::string message;
};

// The warnings for a configuration that parsed without errors: failover codes,
// health, backlogs and sticky key first, then the routes in their order.
std::vector<LintWarning> LintConfig(const Config& config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_LINT_LINT_H_
