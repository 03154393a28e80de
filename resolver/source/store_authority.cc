#include "multi_backend/resolver/source/store_authority.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace multi_backend {

std::string AuthorityOfStorePath(absl::string_view path) {
  path = absl::StripSuffix(path, "/");
  const absl::string_view name = path.substr(path.rfind('/') + 1);
  const bool is_host =
      !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
      });
  return is_host ? std::string(name) : "localhost";
}

}  // namespace multi_backend
