#include "multi_backend/resolver/grpc/channel_ownership.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/types/optional.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/port/core_builder.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/grpc/chosen_policy.h"
#include "multi_backend/resolver/grpc/wrapping_resolver.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using grpc_core::Json;
using grpc_core::URI;

// A service config without this library's keywords is not even parsed, because
// channels that do not use the library must cost nothing.
bool ConfigUsesMultiBackend(absl::string_view json) {
  if (!absl::StrContains(json, kPolicyName) &&
      !absl::StrContains(json, kRoutingKey)) {
    return false;
  }
  const absl::StatusOr<Json> parsed = Json::Parse(json);
  // Core reports the error; this library reports it, too, when it may concern
  // the library.
  if (!parsed.ok() || parsed->type() != Json::Type::OBJECT) return true;
  return JsonField(*parsed, kRoutingKey) != nullptr ||
         PolicyChosenBy(*parsed) == kPolicyName;
}

// Core removes the service config before it makes the resolver; see
// kServiceConfigArg.
ChannelArgs PrepareArgs(ChannelArgs args) {
  const auto json = args.GetOwnedString(GRPC_ARG_SERVICE_CONFIG);
  bool ours = UsesMultiBackend(args);
  if (json.has_value()) {
    ours = ours || ConfigUsesMultiBackend(*json);
    args = ours ? args.Set(kServiceConfigArg, *json)
                : args.Set(kForeignServiceConfigArg, 1);
  }
  if (!ours || args.Contains(GRPC_ARG_ENABLE_HTTP_PROXY)) return args;
  return args.Set(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
}

// Core asks proxy mappers for another target in place of the channel's own.
// This is the only hook through which gRPC's own targets get the wrapping
// resolver.
class TargetMapper final : public grpc_core::ProxyMapperInterface {
 public:
  absl::optional<std::string> MapName(absl::string_view target,
                                      ChannelArgs* args) override {
    if (IsMultiBackendTarget(target) || !GetsMultiBackendResolver(*args) ||
        !grpc_core::CoreConfiguration::Get().resolver_registry().IsValidTarget(
            target)) {
      return absl::nullopt;
    }
    return WrapTarget(target);
  }

  absl::optional<grpc_resolved_address> MapAddress(const grpc_resolved_address&,
                                                   ChannelArgs*) override {
    return absl::nullopt;
  }
};

}  // namespace

bool UsesMultiBackend(const ChannelArgs& args) {
  return args.GetObject<ChannelExtension>() != nullptr ||
         args.GetString(kServiceConfigArg).has_value() ||
         args.GetString(GRPC_ARG_LB_POLICY_NAME) == kPolicyName;
}

bool IsXdsTarget(absl::string_view target) {
  absl::StatusOr<URI> uri = URI::Parse(target);
  if (uri.ok() && uri->scheme() == kWrappingScheme) {
    uri = URI::Parse(uri->path());
  }
  return uri.ok() && (uri->scheme() == "xds" ||
                      absl::StartsWith(uri->scheme(), "google-c2p"));
}

bool HasRouting(const Json& service_config) {
  const Json* routing = JsonField(service_config, kRoutingKey);
  return routing != nullptr && routing->type() == Json::Type::OBJECT &&
         !routing->object_value().empty();
}

bool GetsMultiBackendResolver(const ChannelArgs& args) {
  const auto target = args.GetString(GRPC_ARG_SERVER_URI);
  if (!target.has_value()) return false;
  if (IsMultiBackendTarget(*target)) return true;
  // With an HTTP proxy the proxy replaces the target.
  if (!UsesMultiBackend(args) ||
      args.GetBool(GRPC_ARG_ENABLE_HTTP_PROXY).value_or(false)) {
    return false;
  }
  if (!IsXdsTarget(*target)) return true;
  const absl::StatusOr<Json> config =
      Json::Parse(args.GetString(kServiceConfigArg).value_or("{}"));
  return config.ok() && HasRouting(*config);
}

void RegisterChannelOwnership(CoreBuilder& builder) {
  builder.builder->channel_args_preconditioning()->RegisterStage(PrepareArgs);
  builder.builder->proxy_mapper_registry()->Register(
      /*at_start=*/true, std::make_unique<TargetMapper>());
}

}  // namespace multi_backend
