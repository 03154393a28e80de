#include "multi_backend/proto/config/lint/lint.h"

#include <memory>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/proto/config/lint/health.h"
#include "multi_backend/proto/config/lint/regex_shape.h"
#include "multi_backend/proto/config/rules/policy.h"
#include "multi_backend/proto/json/field_errors.h"
#include "re2/re2.h"

namespace multi_backend {
namespace {

// Comparisons of two routes, each some 100 ns: what a start of a channel can
// spare for advice.  Only 1,000 odd routes reach it.
constexpr size_t kMaxComparisons = 1000000;

// Codes by which a backend answers a call: another one would answer the same.
constexpr absl::StatusCode kApplicationCodes[] = {
    absl::StatusCode::kNotFound,
    absl::StatusCode::kInvalidArgument,
    absl::StatusCode::kAlreadyExists,
    absl::StatusCode::kPermissionDenied,
    absl::StatusCode::kUnauthenticated,
    absl::StatusCode::kOutOfRange,
    absl::StatusCode::kFailedPrecondition,
    absl::StatusCode::kUnimplemented,
    absl::StatusCode::kDataLoss};

// One pattern of a route, taken apart.
struct Pattern {
  explicit Pattern(const std::string& pattern)
      : text(pattern), sets(ExpandPattern(pattern)) {}

  bool FullMatch(const std::string& name) const {
    // Most patterns are never asked.
    if (regex == nullptr) regex = std::make_unique<RE2>(text, RE2::Quiet);
    return RE2::FullMatch(name, *regex);
  }

  bool MatchesAll() const {
    if (!sets.has_value()) return false;
    for (const NameSet& set : *sets) {
      if (set.prefix && set.text.empty()) return true;
    }
    return false;
  }

  std::string text;
  mutable std::unique_ptr<RE2> regex;
  absl::optional<std::vector<NameSet>> sets;
};

struct RoutePatterns {
  Pattern method;
  Pattern service;
};

class Linter {
 public:
  explicit Linter(const Config& config) : config_(config) {}

  std::vector<LintWarning> Run() {
    FailoverCodes();
    for (LintWarning& warning : LintHealth(config_.policy)) {
      warnings_.push_back(std::move(warning));
    }
    StickyKey();
    std::vector<RoutePatterns> earlier;
    const std::set<std::string> roles = MentionedRoles();
    for (size_t i = 0; i < config_.routing.routes.size(); ++i) {
      const RouteConfig& route = config_.routing.routes[i];
      const std::string path = ElementPath("routes", i);
      MethodForm(route.method, FieldPath(path, "match.method"));
      ServiceForm(route.service, FieldPath(path, "match.service"));
      Role(route.role, roles, FieldPath(path, "role"));
      Role(route.fallback_role, roles, FieldPath(path, "whenUnavailable"));
      RoutePatterns patterns{Pattern(route.method), Pattern(route.service)};
      Hidden(patterns, earlier, path);
      earlier.push_back(std::move(patterns));
    }
    return std::move(warnings_);
  }

 private:
  void Warn(absl::string_view path, absl::string_view message) {
    warnings_.push_back({std::string(path), std::string(message)});
  }

  void FailoverCodes() {
    const auto& codes = config_.policy.failover.retriable_status_codes;
    for (size_t i = 0; i < codes.size(); ++i) {
      for (absl::StatusCode application : kApplicationCodes) {
        if (codes[i] != application) continue;
        Warn(ElementPath("failover.retriableStatusCodes", i),
             absl::StrCat(StatusCodeName(codes[i]),
                          " is an answer of the application, which another "
                          "backend would repeat"));
      }
    }
  }

  static bool UsesKey(const BalancerConfig& balancer) {
    if (balancer.strategy == StrategyKind::kSticky) return true;
    for (const BalancerConfig& member : balancer.members) {
      if (UsesKey(member)) return true;
    }
    return false;
  }

  void StickyKey() {
    if (!config_.routing.sticky_key.has_value()) return;
    if (UsesKey(config_.policy.root)) return;
    for (const auto& [role, balancer] : config_.policy.roles) {
      if (UsesKey(balancer)) return;
    }
    Warn("stickyKey", "no balancer has strategy STICKY, so it is never used");
  }

  static void AddSelected(const BalancerConfig& balancer,
                          std::set<std::string>* roles) {
    if (balancer.select.role.has_value()) roles->insert(*balancer.select.role);
    for (const BalancerConfig& member : balancer.members) {
      AddSelected(member, roles);
    }
  }

  std::set<std::string> MentionedRoles() const {
    std::set<std::string> roles;
    AddSelected(config_.policy.root, &roles);
    for (const auto& [role, balancer] : config_.policy.roles) {
      roles.insert(role);
    }
    for (const BackendConfig& backend : config_.policy.backends) {
      if (backend.role.has_value()) roles.insert(*backend.role);
    }
    return roles;
  }

  void Role(const std::string& role, const std::set<std::string>& roles,
            const std::string& path) {
    if (role.empty() || roles.count(role) > 0) return;
    Warn(path, absl::StrCat("nothing else here names role ", role,
                            "; only discovery can give it backends"));
  }

  void MethodForm(const std::string& pattern, const std::string& path) {
    if (Form(pattern, path)) return;
    if (AlwaysHolds(pattern, '/')) {
      Warn(path,
           "can never match: it is compared with the short method name, "
           "without service and '/'");
    } else if (AlwaysHolds(pattern, '.')) {
      Warn(path, "can never match: a method name holds no '.'");
    }
  }

  void ServiceForm(const std::string& pattern, const std::string& path) {
    if (Form(pattern, path)) return;
    if (AlwaysHolds(pattern, '/')) {
      Warn(path,
           "can never match: it is compared with the full service name, "
           "without method and '/'");
    }
  }

  // Whether there was something to say.
  bool Form(const std::string& pattern, const std::string& path) {
    if (pattern.empty()) return false;
    if (NeverMatches(pattern)) {
      Warn(path, "can never match: no text fits the pattern");
      return true;
    }
    const std::string branch = LopsidedAnchor(pattern);
    if (!branch.empty()) {
      Warn(path,
           absl::StrCat("the anchor binds the branch ", branch,
                        " only, and each branch must match the whole name "
                        "anyway; for prefixes write (A|B).*"));
      return true;
    }
    return false;
  }

  // Whether `earlier` matches all that `later` does; false when in doubt.
  static bool Covers(const Pattern& earlier, const Pattern& later) {
    if (earlier.MatchesAll() || earlier.text == later.text) return true;
    if (!later.sets.has_value()) return false;
    for (const NameSet& set : *later.sets) {
      if (set.prefix ? !CoversPrefix(earlier, set.text)
                     : !earlier.FullMatch(set.text)) {
        return false;
      }
    }
    return true;
  }

  static bool CoversPrefix(const Pattern& earlier, const std::string& prefix) {
    if (!earlier.sets.has_value()) return false;
    for (const NameSet& set : *earlier.sets) {
      if (set.prefix && absl::StartsWith(prefix, set.text)) return true;
    }
    return false;
  }

  void Hidden(const RoutePatterns& route,
              const std::vector<RoutePatterns>& earlier,
              const std::string& path) {
    const size_t sets =
        (route.method.sets.has_value() ? route.method.sets->size() : 1) +
        (route.service.sets.has_value() ? route.service.sets->size() : 1);
    for (size_t i = 0; i < earlier.size(); ++i) {
      comparisons_ += sets;
      if (comparisons_ > kMaxComparisons) return;
      if (Covers(earlier[i].method, route.method) &&
          Covers(earlier[i].service, route.service)) {
        Warn(path, absl::StrCat("is hidden: ", ElementPath("routes", i),
                                " takes all of its calls"));
        return;
      }
    }
  }

  const Config& config_;
  std::vector<LintWarning> warnings_;
  size_t comparisons_ = 0;
};

}  // namespace

std::vector<LintWarning> LintConfig(const Config& config) {
  return Linter(config).Run();
}

}  // namespace multi_backend
