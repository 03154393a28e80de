#include "multi_backend/resolver/grpc/chosen_policy.h"

#include "multi_backend/proto/config/config.h"

namespace multi_backend {

using grpc_core::Json;

const Json* JsonField(const Json& object, absl::string_view name) {
  if (object.type() != Json::Type::OBJECT) return nullptr;
  const auto field = object.object_value().find(std::string(name));
  return field == object.object_value().end() ? nullptr : &field->second;
}

absl::optional<std::string> PolicyChosenBy(const Json& service_config) {
  const Json* list = JsonField(service_config, kLoadBalancingConfig);
  if (list != nullptr && list->type() == Json::Type::ARRAY) {
    const auto& registry =
        grpc_core::CoreConfiguration::Get().lb_policy_registry();
    for (const Json& entry : list->array_value()) {
      if (entry.type() != Json::Type::OBJECT) continue;
      for (const auto& policy : entry.object_value()) {
        if (registry.LoadBalancingPolicyExists(policy.first, nullptr)) {
          return policy.first;
        }
      }
    }
  }
  const Json* name = JsonField(service_config, kLoadBalancingPolicy);
  if (name == nullptr || name->type() != Json::Type::STRING) {
    return absl::nullopt;
  }
  return name->string_value();
}

const Json* PolicyEntry(const Json& service_config) {
  const Json* list = JsonField(service_config, kLoadBalancingConfig);
  if (list == nullptr || list->type() != Json::Type::ARRAY) return nullptr;
  for (const Json& entry : list->array_value()) {
    const Json* policy = JsonField(entry, kPolicyName);
    if (policy != nullptr) return policy;
  }
  return nullptr;
}

}  // namespace multi_backend
