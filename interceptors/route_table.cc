#include "multi_backend/interceptors/route_table.h"

#include <utility>

#include "absl/memory/memory.h"
#include "multi_backend/interceptors/method_name.h"
#include "multi_backend/interceptors/route_name.h"
#include "multi_backend/proto/config/role_name.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {
namespace {

re2::StringPiece ToPiece(absl::string_view text) {
  return re2::StringPiece(text.data(), text.size());
}

// Returns null for the empty pattern, and for a bad one, whose error is added
// to `errors`.
std::unique_ptr<RE2> Compile(const std::string& pattern,
                             const std::string& field, FieldErrors& errors) {
  if (pattern.empty()) return nullptr;
  auto regex = std::make_unique<RE2>(pattern, RE2::Quiet);
  if (regex->ok()) return regex;
  errors.Add(field, regex->error());
  return nullptr;
}

void CheckRole(const std::string& role, const std::string& field,
               FieldErrors& errors) {
  if (!IsValidRoleName(role)) errors.Add(field, kRoleNameRule);
}

void CheckRoles(const RouteConfig& route, const std::string& field,
                FieldErrors& errors) {
  if (!route.role.empty()) {
    CheckRole(route.role, FieldPath(field, "role"), errors);
  }
  if (route.when_unavailable == WhenUnavailable::kRole) {
    CheckRole(route.fallback_role, FieldPath(field, "whenUnavailable"), errors);
  }
}

RouteDecision Decide(const RouteConfig& route, size_t rule) {
  RouteDecision decision;
  decision.rule = rule;
  decision.label.role = route.role;
  decision.label.when_unavailable = route.when_unavailable;
  if (route.when_unavailable == WhenUnavailable::kRole) {
    decision.label.fallback_role = route.fallback_role;
  }
  decision.label.retry = route.retry;
  return decision;
}

}  // namespace

RouteTable::RouteTable(std::vector<RouteConfig> routes)
    : routes_(std::move(routes)) {
  default_.label.route_decided = false;
  default_.label_prefix = EncodeCallLabelPrefix(default_.label);
}

absl::StatusOr<std::unique_ptr<RouteTable>> RouteTable::Make(
    const RoutingConfig& config) {
  auto table = absl::WrapUnique(new RouteTable(config.routes));
  FieldErrors errors;
  for (size_t i = 0; i < table->routes_.size(); ++i) {
    const RouteConfig& route = table->routes_[i];
    const std::string field = ElementPath("routes", i);
    Rule rule;
    rule.method =
        Compile(route.method, FieldPath(field, "match.method"), errors);
    rule.service =
        Compile(route.service, FieldPath(field, "match.service"), errors);
    CheckRoles(route, field, errors);
    rule.decision = Decide(route, i);
    if (errors.empty()) {
      rule.decision.label_prefix = EncodeCallLabelPrefix(rule.decision.label);
    }
    table->rules_.push_back(std::move(rule));
  }
  if (!errors.empty()) return errors.ToStatus();
  // Now that the rules stay where they are, the names may point into them.
  for (size_t i = 0; i < table->rules_.size(); ++i) {
    RouteDecision& decision = table->rules_[i].decision;
    decision.name_text = RouteName(table->routes_[i]);
    decision.name = Label(decision.name_text);
    decision.use = std::make_unique<RouteUse>();
  }
  return table;
}

std::vector<RouteStatus> RouteTable::Status() const {
  std::vector<RouteStatus> routes;
  for (const Rule& rule : rules_) {
    const RouteDecision& decision = rule.decision;
    RouteStatus route;
    route.name = decision.name_text;
    route.role = std::string(decision.label.role);
    route.matches = decision.use->matches();
    route.last_method = decision.use->last_method();
    routes.push_back(std::move(route));
  }
  return routes;
}

bool RouteTable::Rule::Matches(absl::string_view method_name,
                               absl::string_view service_name) const {
  return (method == nullptr || RE2::FullMatch(ToPiece(method_name), *method)) &&
         (service == nullptr ||
          RE2::FullMatch(ToPiece(service_name), *service));
}

RouteMatch RouteTable::MatchAndRemember(absl::string_view full_method) const {
  const MethodName name = SplitMethodName(full_method);
  RouteMatch match = {&default_, Label(full_method).hash};
  for (const Rule& rule : rules_) {
    if (rule.Matches(name.method, name.service)) {
      match.decision = &rule.decision;
      break;
    }
  }
  cache_.Insert(full_method, match);
  return match;
}

}  // namespace multi_backend
