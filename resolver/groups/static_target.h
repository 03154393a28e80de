// The endpoints that a target itself lists: `static:///h1:p1,h2:p2`.  Pure and
// thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_STATIC_TARGET_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_STATIC_TARGET_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// A target may list this many endpoints.  Longer lists belong in a registered
// group: core keeps the target's text once for each subchannel, so memory grows
// with the square.
constexpr size_t kMaxTargetEndpoints = 10000;

// "h1:p1,h2:p2" -> the endpoints, in that order; "" -> none (the list is then
// the configuration's `backends`).  `path` is the URI's path after
// percent-decoding, with or without its leading slash.
// INVALID_ARGUMENT names the endpoint by its position from 1:
// `static target: endpoint 3: …`.
absl::StatusOr<EndpointList> ParseStaticTarget(absl::string_view path);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_STATIC_TARGET_H_
