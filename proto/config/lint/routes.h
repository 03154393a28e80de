// Warnings about routes; a part of lint.h.
#ifndef MULTI_BACKEND_PROTO_CONFIG_LINT_ROUTES_H_
#define MULTI_BACKEND_PROTO_CONFIG_LINT_ROUTES_H_

#include <vector>

#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/config/lint/lint.h"

namespace multi_backend {

// A pattern that can never match, an anchor that binds one branch only, a role
// that nothing else in the configuration names, and a route whose calls an
// earlier one takes; in the routes' order.
//
// Cost: the comparison of routes with each other is quadratic and stops after a
// fixed number of steps (about 0.1 s); the rest is linear.  Pure and
// thread-safe.
std::vector<LintWarning> LintRoutes(const Config& config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_LINT_ROUTES_H_
