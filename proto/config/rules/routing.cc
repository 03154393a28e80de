#include "multi_backend/proto/config/rules/routing.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "multi_backend/proto/config/role_name.h"
#include "multi_backend/proto/config/rules/field_checks.h"
#include "re2/re2.h"

namespace multi_backend {
namespace {

constexpr int kMaxRoutes = 1000;
constexpr size_t kMaxPatternSize = 1000;
constexpr size_t kMaxFieldNames = 16;
// The memory for the compiled form of one pattern, 1/32 of RE2's default, which
// is about 2,700 instructions.  Names of methods need 100.  A class of Unicode
// letters, counted 300 times, would take 0.1 s to compile, and there may be
// 1,000 patterns.
constexpr int64_t kMaxRegexMemory = 256 << 10;

void CheckPattern(const std::string& pattern, const std::string& path,
                  FieldErrors* errors) {
  // A longer pattern is not compiled, since the limit bounds the work too.
  if (pattern.size() > kMaxPatternSize) {
    CheckSize(pattern, kMaxPatternSize, path, errors);
    return;
  }
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kMaxRegexMemory);
  const RE2 re(pattern, options);
  if (!re.ok()) errors->Add(path, re.error());
}

void ReadWhenUnavailable(const std::string& value, const std::string& path,
                         RouteConfig* config, FieldErrors* errors) {
  if (value.empty()) return;
  if (value == "ANY") {
    config->when_unavailable = WhenUnavailable::kAny;
  } else if (value != "FAIL") {
    config->when_unavailable = WhenUnavailable::kRole;
    config->fallback_role = value;
    if (!IsValidRoleName(value)) {
      errors->Add(path, "must be FAIL, ANY or the name of a role");
    }
  }
}

RouteConfig ReadRoute(const config::v1::Route& route, const std::string& path,
                      FieldErrors* errors) {
  RouteConfig config;
  config.method = route.match().method();
  config.service = route.match().service();
  CheckPattern(config.method, FieldPath(path, "match.method"), errors);
  CheckPattern(config.service, FieldPath(path, "match.service"), errors);
  const std::string role_path = FieldPath(path, "role");
  config.role = route.role();
  if (!config.role.empty()) CheckRoleName(config.role, role_path, errors);
  const std::string when_path = FieldPath(path, "whenUnavailable");
  ReadWhenUnavailable(route.when_unavailable(), when_path, &config, errors);
  if (!route.when_unavailable().empty() && config.role.empty() &&
      !errors->IsUnreadable(role_path)) {
    errors->Add(when_path, "only for a route with a role");
  }
  if (!config.role.empty() && config.fallback_role == config.role) {
    errors->Add(when_path, "is the route's own role");
  }
  config.retry = route.retry() == config::v1::Route::NEVER
                     ? RetryMode::kNever
                     : RetryMode::kDefault;
  return config;
}

void CheckHeader(const std::string& header, const std::string& path,
                 FieldErrors* errors) {
  CheckSize(header, kMaxNameSize, path, errors);
  for (char c : header) {
    if (!absl::ascii_islower(static_cast<unsigned char>(c)) &&
        !absl::ascii_isdigit(static_cast<unsigned char>(c)) && c != '_' &&
        c != '.' && c != '-') {
      errors->Add(path, "must be a metadata key of [a-z0-9_.-]");
      return;
    }
  }
  if (absl::StartsWith(header, "grpc-")) {
    errors->Add(path, "keys that begin with grpc- are reserved");
  }
  if (absl::EndsWith(header, "-bin")) {
    errors->Add(path, "a binary key (-bin) cannot be used");
  }
}

bool IsIdentifier(absl::string_view name) {
  if (name.empty() ||
      absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) {
    return false;
  }
  for (char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') {
      return false;
    }
  }
  return true;
}

void CheckRequestField(const std::string& field, const std::string& path,
                       FieldErrors* errors) {
  CheckSize(field, kMaxNameSize, path, errors);
  const std::vector<absl::string_view> names = absl::StrSplit(field, '.');
  if (names.size() > kMaxFieldNames) {
    errors->Add(path, absl::StrCat("has more than ", kMaxFieldNames, " names"));
  }
  for (absl::string_view name : names) {
    if (!IsIdentifier(name)) {
      errors->Add(path, "must be field names joined by dots");
      return;
    }
  }
}

StickyKeyConfig ReadStickyKey(const config::v1::StickyKey& key,
                              FieldErrors* errors) {
  const std::string path = "stickyKey";
  const std::string header_path = FieldPath(path, "header");
  const std::string field_path = FieldPath(path, "requestField");
  StickyKeyConfig config;
  config.header = key.header();
  config.request_field = key.request_field();
  if (!config.header.empty() && !config.request_field.empty()) {
    errors->Add(path, "has both header and requestField");
  } else if (config.header.empty() && config.request_field.empty() &&
             !errors->IsUnreadable(header_path) &&
             !errors->IsUnreadable(field_path)) {
    errors->Add(path, "needs header or requestField");
  }
  if (!config.header.empty()) CheckHeader(config.header, header_path, errors);
  if (!config.request_field.empty()) {
    CheckRequestField(config.request_field, field_path, errors);
  }
  return config;
}

}  // namespace

RoutingConfig ReadRouting(const config::v1::Routing& routing,
                          FieldErrors* errors) {
  RoutingConfig config;
  if (routing.routes_size() > kMaxRoutes) {
    errors->Add("routes",
                absl::StrCat("has more than ", kMaxRoutes, " entries"));
  } else {
    for (int i = 0; i < routing.routes_size(); ++i) {
      config.routes.push_back(
          ReadRoute(routing.routes(i), ElementPath("routes", i), errors));
    }
  }
  if (routing.has_sticky_key()) {
    config.sticky_key = ReadStickyKey(routing.sticky_key(), errors);
  }
  return config;
}

}  // namespace multi_backend
