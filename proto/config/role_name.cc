#include "multi_backend/proto/config/role_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace multi_backend {

bool IsValidRoleName(absl::string_view role) {
  return !role.empty() && role.size() <= kMaxRoleNameSize &&
         std::all_of(role.begin(), role.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
         });
}

bool IsReservedRole(absl::string_view role) {
  return role == "FAIL" || role == "ANY";
}

}  // namespace multi_backend
