#include "multi_backend/resolver/grpc/chosen_policy.h"

#include "absl/strings/string_view.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/service_config/read.h"

namespace multi_backend {

absl::optional<std::string> PolicyChosenBy(const JsonObject& service_config) {
  const auto& registry =
      grpc_core::CoreConfiguration::Get().lb_policy_registry();
  return ChosenPolicy(service_config, [&registry](absl::string_view name) {
    return registry.LoadBalancingPolicyExists(name, nullptr);
  });
}

}  // namespace multi_backend
