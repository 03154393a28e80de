#include "multi_backend/proto/service_config/read.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/json/syntax.h"

namespace multi_backend {
namespace {

// gRPC's own limit.
constexpr int kGrpcJsonDepth = 255;

std::vector<JsonValue> PolicyList(const JsonObject& service_config) {
  return service_config.Find(kLoadBalancingConfig)
      .Array()
      .value_or(std::vector<JsonValue>());
}

}  // namespace

absl::StatusOr<JsonObject> ReadServiceConfig(absl::string_view text) {
  const absl::Status syntax = CheckJsonSyntax(text, kGrpcJsonDepth);
  if (!syntax.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("service config is not valid JSON: ", syntax.message()));
  }
  absl::optional<JsonObject> object =
      JsonValue(absl::StripAsciiWhitespace(text)).Object();
  if (!object.has_value()) {
    return absl::InvalidArgumentError("service config is not a JSON object");
  }
  return *std::move(object);
}

absl::optional<std::string> ChosenPolicy(const JsonObject& service_config,
                                         HasPolicy has_policy) {
  for (const JsonValue& entry : PolicyList(service_config)) {
    const absl::optional<JsonObject> policies = entry.Object();
    if (!policies.has_value()) continue;
    for (const JsonObject::Member& policy : policies->members()) {
      if (has_policy(policy.first)) return policy.first;
    }
  }
  return service_config.Find(kLoadBalancingPolicy).String();
}

JsonValue PolicyEntry(const JsonObject& service_config) {
  for (const JsonValue& entry : PolicyList(service_config)) {
    const absl::optional<JsonObject> policies = entry.Object();
    if (!policies.has_value()) continue;
    const JsonValue policy = policies->Find(kPolicyName);
    if (!policy.text().empty()) return policy;
  }
  return JsonValue();
}

bool LeavesPolicyOpen(const JsonObject& service_config) {
  if (!service_config.Find(kLoadBalancingConfig).text().empty()) return false;
  const JsonValue name = service_config.Find(kLoadBalancingPolicy);
  return name.text().empty() || name.String() == kPolicyName;
}

bool HasRouting(const JsonObject& service_config) {
  const absl::optional<JsonObject> routing =
      service_config.Find(kRoutingKey).Object();
  return routing.has_value() && !routing->members().empty();
}

}  // namespace multi_backend
