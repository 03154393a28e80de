#include "multi_backend/interceptors/route_name.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {
namespace {

// Long enough for the patterns that people write.  A longer one would make
// tables and metrics unreadable.
constexpr size_t kMaxPatternBytes = 80;

std::string Shown(absl::string_view pattern) {
  if (pattern.empty()) return "*";
  std::string shown(pattern.substr(0, kMaxPatternBytes));
  for (char& c : shown) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  if (pattern.size() > kMaxPatternBytes) shown += "...";
  return shown;
}

std::string Roles(const RouteConfig& rule) {
  if (rule.role.empty()) return "any";
  switch (rule.when_unavailable) {
    case WhenUnavailable::kFail:
      return rule.role;
    case WhenUnavailable::kAny:
      return absl::StrCat(rule.role, ", else any");
    case WhenUnavailable::kRole:
      return absl::StrCat(rule.role, ", else ", rule.fallback_role);
  }
  return rule.role;
}

}  // namespace

std::string RouteName(const RouteConfig& rule) {
  const std::string service =
      rule.service.empty() ? "" : absl::StrCat(Shown(rule.service), "/");
  return absl::StrCat(service, Shown(rule.method), " -> ", Roles(rule));
}

}  // namespace multi_backend
