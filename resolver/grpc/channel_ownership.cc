#include "multi_backend/resolver/grpc/channel_ownership.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/types/optional.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/call/grpc/config_warnings.h"
#include "multi_backend/interceptors/sticky_key_source.h"
#include "multi_backend/port/channel_args_hook.h"
#include "multi_backend/port/core_builder.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/service_config/read.h"
#include "multi_backend/resolver/grpc/channel_service_config.h"
#include "multi_backend/resolver/grpc/chosen_policy.h"
#include "multi_backend/resolver/grpc/wrapping_resolver.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using grpc_core::RefCountedPtr;
using grpc_core::URI;

bool ConfigUsesMultiBackend(absl::string_view text) {
  const absl::StatusOr<JsonObject> object = ReadServiceConfig(text);
  // Core reports the error; this library reports it, too, when it may concern
  // the library.
  if (!object.ok()) return true;
  return !object->Find(kRoutingKey).text().empty() ||
         PolicyChosenBy(*object) == kPolicyName;
}

// The service config `text` of a channel, if it concerns this library; null
// otherwise.  `args_are_ours` is true when the channel's other args choose the
// library.
RefCountedPtr<ChannelServiceConfig> OwnServiceConfig(absl::string_view text,
                                                     bool args_are_ours) {
  // A service config without this library's keywords is not even parsed,
  // because channels that do not use the library must cost nothing.
  if (!args_are_ours && !absl::StrContains(text, kPolicyName) &&
      !absl::StrContains(text, kRoutingKey)) {
    return nullptr;
  }
  if (!args_are_ours && !ConfigUsesMultiBackend(text)) return nullptr;
  return grpc_core::MakeRefCounted<ChannelServiceConfig>(text);
}

ChannelArgs WithStore(ChannelArgs args) {
  if (args.GetObject<ChannelStore>() != nullptr) return args;
  return args.SetObject(grpc_core::MakeRefCounted<ChannelStore>());
}

ChannelArgs PrepareArgs(ChannelArgs args) {
  const auto* extension = args.GetObject<ChannelExtension>();
  // A channel with objects of the application has a service config even if it
  // is empty, so that the resolver checks whether it can use them.
  if (extension != nullptr && !args.Contains(GRPC_ARG_SERVICE_CONFIG)) {
    args = args.Set(GRPC_ARG_SERVICE_CONFIG, "{}");
  }
  const auto text = args.GetOwnedString(GRPC_ARG_SERVICE_CONFIG);
  if (!text.has_value()) {
    return UsesMultiBackend(args) ? WithStore(std::move(args)) : args;
  }
  // CreateChannel() sets it itself.
  auto config = args.GetObjectRef<ChannelServiceConfig>();
  if (config == nullptr || config->text() != *text) {
    config = OwnServiceConfig(*text, UsesMultiBackend(args));
  }
  if (config == nullptr) return args.Set(kForeignServiceConfigArg, 1);
  if (extension != nullptr && extension->warnings != nullptr &&
      config->parsed().ok()) {
    extension->warnings->Report(*text, (*config->parsed())->warnings);
  }
  return WithStore(args.SetObject(std::move(config)));
}

// A proxy of the environment would take the place of the whole target, so it is
// off on the channels of this library.  Only core's hook for the args of a new
// channel knows the target: preconditioning does not see it yet, and core's own
// proxy mapper comes before those of others.
ChannelArgs WithoutProxy(const char*, const ChannelArgs& args,
                         grpc_channel_stack_type type) {
  if (type != GRPC_CLIENT_CHANNEL ||
      args.Contains(GRPC_ARG_ENABLE_HTTP_PROXY)) {
    return args;
  }
  const auto target = args.GetString(GRPC_ARG_SERVER_URI);
  const bool ours = UsesMultiBackend(args) ||
                    (target.has_value() && IsMultiBackendTarget(*target));
  return ours ? args.Set(GRPC_ARG_ENABLE_HTTP_PROXY, 0) : args;
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
         args.GetObject<ChannelServiceConfig>() != nullptr ||
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

bool HasObjects(const ChannelArgs& args) {
  const auto* extension = args.GetObject<ChannelExtension>();
  return extension != nullptr &&
         (extension->pool != nullptr || extension->classifier != nullptr ||
          !extension->sinks.empty() ||
          (extension->sticky_keys != nullptr &&
           extension->sticky_keys->function() != nullptr));
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
  const auto* config = args.GetObject<ChannelServiceConfig>();
  return HasObjects(args) || (config != nullptr && config->object().ok() &&
                              HasRouting(*config->object()));
}

void RegisterChannelOwnership(CoreBuilder& builder) {
  SetChannelArgsHook(WithoutProxy);
  builder.builder->channel_args_preconditioning()->RegisterStage(PrepareArgs);
  builder.builder->proxy_mapper_registry()->Register(
      /*at_start=*/true, std::make_unique<TargetMapper>());
}

}  // namespace multi_backend
