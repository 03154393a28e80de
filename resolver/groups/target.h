// The paths of our own targets: `static:///h1:p1,h2:p2` and `group:///name`.
//
// `path` is the URI's path after percent-decoding, with or without its leading
// slash.  Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_TARGET_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_TARGET_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// Endpoints in one target.  More belong into a registered group: core keeps the
// target's text once for each subchannel, so memory grows with the square.
constexpr size_t kMaxTargetEndpoints = 10000;

// "h1:p1,h2:p2" -> the endpoints, in that order; "" -> none (the list is then
// the configuration's `backends`).  INVALID_ARGUMENT names the endpoint by its
// position from 1: `static target: endpoint 3: …`.
absl::StatusOr<EndpointList> ParseStaticTarget(absl::string_view path);

// Names of groups are 1 to 128 of [A-Za-z0-9_.-]; INVALID_ARGUMENT otherwise.
absl::Status CheckGroupName(absl::string_view name);

// "name" of `group:///name`.
absl::StatusOr<std::string> ParseGroupTarget(absl::string_view path);

// The :authority of calls to the service under a path of a store, "users" of
// "/services/users" and "/services/users/": the path's last part, the
// application's own word for the service; "localhost" when that cannot be a
// host name.
std::string AuthorityOfStorePath(absl::string_view path);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_TARGET_H_
