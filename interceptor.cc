#include "multi_backend/interceptor.h"

#include <utility>

#include "multi_backend/call/grpc/parsed_configs.h"
#include "multi_backend/interceptors/grpc/routing_interceptor.h"

namespace multi_backend {

absl::StatusOr<
    std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
MakeInterceptorFactory(absl::string_view service_config_json,
                       StickyKeyFunction sticky_key,
                       const WarningFunction& on_warnings) {
  const auto parsed = ParsedConfigs().Get(service_config_json);
  if (!parsed.ok()) return parsed.status();
  auto factory = MakeInterceptorFactory(
      std::shared_ptr<const RoutingConfig>(*parsed, &(*parsed)->config.routing),
      std::move(sticky_key));
  if (factory.ok()) GiveWarnings((*parsed)->warnings, on_warnings);
  return factory;
}

}  // namespace multi_backend
