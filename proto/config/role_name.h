// The names of roles: the rule for them, which the configuration, discovery and
// the routes of code share.  Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_ROLE_NAME_H_
#define MULTI_BACKEND_PROTO_CONFIG_ROLE_NAME_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace multi_backend {

// In bytes.  Each call of a route carries its role's name.
constexpr size_t kMaxRoleNameSize = 64;

// The rule as error texts state it.
constexpr absl::string_view kRoleNameRule = "must be 1 to 64 of [A-Za-z0-9_.-]";
bool IsValidRoleName(absl::string_view role);

// "FAIL" and "ANY", the words of whenUnavailable: valid names by the rule
// above, but no role may have them.
bool IsReservedRole(absl::string_view role);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_ROLE_NAME_H_
