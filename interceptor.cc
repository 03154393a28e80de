#include "multi_backend/interceptor.h"

#include <utility>

#include "multi_backend/interceptors/grpc/routing_interceptor.h"
#include "multi_backend/proto/config/parser/parser.h"

namespace multi_backend {

absl::StatusOr<
    std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
MakeInterceptorFactory(absl::string_view service_config_json,
                       StickyKeyFunction sticky_key) {
  const absl::StatusOr<ParsedConfig> parsed =
      ParseServiceConfig(service_config_json);
  if (!parsed.ok()) return parsed.status();
  return MakeInterceptorFactory(parsed->config.routing, std::move(sticky_key));
}

}  // namespace multi_backend
