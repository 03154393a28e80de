#include "multi_backend/proto/config/lint/routes.h"

#include <cstddef>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multi_backend/proto/config/lint/route_pattern.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {
namespace {

// Comparisons of two routes take about 100 ns each, so this bounds the time
// that lint adds to the start of a channel.  Only a configuration with 1,000
// unusual routes reaches it.
constexpr size_t kMaxComparisons = 1000000;

struct RoutePatterns {
  RoutePattern method;
  RoutePattern service;
};

void AddSelectedRoles(const BalancerConfig& balancer,
                      std::set<std::string>* roles) {
  if (balancer.select.role.has_value()) roles->insert(*balancer.select.role);
  for (const BalancerConfig& member : balancer.members) {
    AddSelectedRoles(member, roles);
  }
}

// The roles that a balancer or a backend of the configuration names.
std::set<std::string> RolesOf(const PolicyConfig& policy) {
  std::set<std::string> roles;
  AddSelectedRoles(policy.root, &roles);
  for (const auto& role_and_balancer : policy.roles) {
    roles.insert(role_and_balancer.first);
  }
  for (const BackendConfig& backend : policy.backends) {
    if (backend.role.has_value()) roles.insert(*backend.role);
  }
  return roles;
}

class RouteLinter {
 public:
  explicit RouteLinter(const Config& config)
      : routes_(config.routing.routes), roles_(RolesOf(config.policy)) {}

  std::vector<LintWarning> Run() {
    for (size_t i = 0; i < routes_.size(); ++i) {
      const RouteConfig& route = routes_[i];
      const std::string path = ElementPath("routes", i);
      RoutePatterns patterns{RoutePattern(route.method),
                             RoutePattern(route.service)};
      CheckMethod(patterns.method, FieldPath(path, "match.method"));
      CheckService(patterns.service, FieldPath(path, "match.service"));
      CheckRole(route.role, FieldPath(path, "role"));
      CheckRole(route.fallback_role, FieldPath(path, "whenUnavailable"));
      CheckHidden(patterns, path);
      earlier_.push_back(std::move(patterns));
    }
    return std::move(warnings_);
  }

 private:
  void Warn(absl::string_view path, absl::string_view message) {
    warnings_.push_back({std::string(path), std::string(message)});
  }

  void CheckMethod(const RoutePattern& pattern, const std::string& path) {
    if (CheckAnchors(pattern, path)) return;
    if (pattern.AlwaysContains('/')) {
      Warn(path,
           "can never match: it is compared with the short method name, "
           "without service and '/'");
    } else if (pattern.AlwaysContains('.')) {
      Warn(path, "can never match: a method name holds no '.'");
    }
  }

  void CheckService(const RoutePattern& pattern, const std::string& path) {
    if (CheckAnchors(pattern, path)) return;
    if (pattern.AlwaysContains('/')) {
      Warn(path,
           "can never match: it is compared with the full service name, "
           "without method and '/'");
    }
  }

  // Whether there was something to say.
  bool CheckAnchors(const RoutePattern& pattern, const std::string& path) {
    if (pattern.NeverMatches()) {
      Warn(path, "can never match: no text fits the pattern");
      return true;
    }
    const std::string branch = pattern.LopsidedAnchor();
    if (branch.empty()) return false;
    Warn(path, absl::StrCat("the anchor binds the branch ", branch,
                            " only, and each branch must match the whole name "
                            "anyway; for prefixes write (A|B).*"));
    return true;
  }

  void CheckRole(const std::string& role, const std::string& path) {
    if (role.empty() || roles_.count(role) > 0) return;
    Warn(path, absl::StrCat("nothing else here names role ", role,
                            "; only discovery can give it backends"));
  }

  void CheckHidden(const RoutePatterns& route, const std::string& path) {
    for (size_t i = 0; i < earlier_.size(); ++i) {
      comparisons_ += route.method.cost() + route.service.cost();
      if (comparisons_ > kMaxComparisons) return;
      if (earlier_[i].method.Covers(route.method) &&
          earlier_[i].service.Covers(route.service)) {
        Warn(path, absl::StrCat("is hidden: ", ElementPath("routes", i),
                                " takes all of its calls"));
        return;
      }
    }
  }

  const std::vector<RouteConfig>& routes_;
  const std::set<std::string> roles_;
  std::vector<RoutePatterns> earlier_;
  std::vector<LintWarning> warnings_;
  size_t comparisons_ = 0;
};

}  // namespace

std::vector<LintWarning> LintRoutes(const Config& config) {
  return RouteLinter(config).Run();
}

}  // namespace multi_backend
