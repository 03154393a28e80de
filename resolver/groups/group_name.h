// The names of registered endpoint groups, and their target `group:///name`.
// Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_GROUP_NAME_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_GROUP_NAME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// INVALID_ARGUMENT unless `name` is 1 to 128 of [A-Za-z0-9_.-].
absl::Status CheckGroupName(absl::string_view name);

// The name in a target's path: "name" or "/name", after percent-decoding.
// INVALID_ARGUMENT as CheckGroupName().
absl::StatusOr<std::string> ParseGroupTarget(absl::string_view path);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_GROUP_NAME_H_
