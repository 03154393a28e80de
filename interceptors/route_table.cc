#include "multi_backend/interceptors/route_table.h"

#include <map>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/interceptors/method_name.h"

namespace multi_backend {
namespace {

// Field path -> message; sorted as in the errors of the parser.
using FieldErrors = std::map<std::string, std::string>;

re2::StringPiece ToPiece(absl::string_view text) {
  return re2::StringPiece(text.data(), text.size());
}

// Null for the empty pattern, and on errors, which are added to `errors`.
std::unique_ptr<RE2> Compile(const std::string& pattern, std::string field,
                             FieldErrors& errors) {
  if (pattern.empty()) return nullptr;
  auto regex = std::make_unique<RE2>(pattern, RE2::Quiet);
  if (regex->ok()) return regex;
  errors.emplace(std::move(field), regex->error());
  return nullptr;
}

void CheckRole(const std::string& role, std::string field,
               FieldErrors& errors) {
  if (IsValidRoleName(role)) return;
  errors.emplace(std::move(field),
                 "must be 1 to 64 characters of [A-Za-z0-9_.-]");
}

void CheckRoles(const RouteConfig& route, const std::string& field,
                FieldErrors& errors) {
  if (!route.role.empty()) {
    CheckRole(route.role, absl::StrCat(field, ".role"), errors);
  }
  if (route.when_unavailable == WhenUnavailable::kRole) {
    CheckRole(route.fallback_role, absl::StrCat(field, ".whenUnavailable"),
              errors);
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
  // Without a role, all backends are meant, and there is nothing to fall back
  // from.
  decision.is_default =
      route.role.empty() && route.retry == RetryMode::kDefault;
  return decision;
}

absl::Status ToStatus(const FieldErrors& errors) {
  return absl::InvalidArgumentError(absl::StrCat(
      "errors validating multi_backend config: [",
      absl::StrJoin(errors, "; ",
                    [](std::string* out, const FieldErrors::value_type& error) {
                      absl::StrAppend(out, "field:", error.first,
                                      " error:", error.second);
                    }),
      "]"));
}

}  // namespace

RouteTable::RouteTable(std::vector<RouteConfig> routes)
    : routes_(std::move(routes)) {
  default_.label_prefix = EncodeCallLabelPrefix(default_.label);
}

absl::StatusOr<std::unique_ptr<RouteTable>> RouteTable::Make(
    const RoutingConfig& config) {
  auto table = absl::WrapUnique(new RouteTable(config.routes));
  FieldErrors errors;
  for (size_t i = 0; i < table->routes_.size(); ++i) {
    const RouteConfig& route = table->routes_[i];
    const std::string field = absl::StrCat("routes[", i, "]");
    Rule rule;
    rule.method =
        Compile(route.method, absl::StrCat(field, ".match.method"), errors);
    rule.service =
        Compile(route.service, absl::StrCat(field, ".match.service"), errors);
    CheckRoles(route, field, errors);
    rule.decision = Decide(route, i);
    if (errors.empty()) {
      rule.decision.label_prefix = EncodeCallLabelPrefix(rule.decision.label);
    }
    table->rules_.push_back(std::move(rule));
  }
  if (!errors.empty()) return ToStatus(errors);
  return table;
}

bool RouteTable::Rule::Matches(absl::string_view method_name,
                               absl::string_view service_name) const {
  return (method == nullptr || RE2::FullMatch(ToPiece(method_name), *method)) &&
         (service == nullptr ||
          RE2::FullMatch(ToPiece(service_name), *service));
}

const RouteDecision* RouteTable::MatchAndRemember(
    absl::string_view full_method) const {
  const MethodName name = SplitMethodName(full_method);
  const RouteDecision* decision = &default_;
  for (const Rule& rule : rules_) {
    if (rule.Matches(name.method, name.service)) {
      decision = &rule.decision;
      break;
    }
  }
  cache_.Insert(full_method, decision);
  return decision;
}

}  // namespace multi_backend
