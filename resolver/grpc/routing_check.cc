#include "multi_backend/resolver/grpc/routing_check.h"

#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/core_builder.h"
#include "multi_backend/port/log.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/service_config/read.h"
#include "multi_backend/resolver/grpc/channel_ownership.h"
#include "multi_backend/resolver/grpc/channel_service_config.h"
#include "multi_backend/resolver/grpc/chosen_policy.h"
#include "multi_backend/resolver/grpc/resolver_factories.h"
#include "multi_backend/resolver/grpc/wrapping_resolver.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;

absl::Status NotFollowed(bool has_routing, absl::string_view why,
                         absl::string_view remedy) {
  if (has_routing) {
    return absl::InvalidArgumentError(
        absl::StrCat("its routes and sticky key cannot be followed: ", why,
                     "; ", remedy, ", or leave multiBackend out"));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the channel's pool, retry classifier, sticky-key function and sinks "
      "cannot be used: ",
      why, "; ", remedy, ", or give the channel none of them"));
}

class RoutingCheck final : public grpc_core::ServiceConfigParser::Parser {
 public:
  absl::string_view name() const override { return kRoutingKey; }

  std::unique_ptr<grpc_core::ServiceConfigParser::ParsedConfig>
  ParseGlobalParams(const ChannelArgs& args, const grpc_core::Json& json,
                    grpc_core::ValidationErrors* errors) override {
    // This is the channel's own service config, checked while the channel is
    // made.  An error here would hide its text from the calls, and the resolver
    // checks it again.
    if (args.Contains(GRPC_ARG_SERVICE_CONFIG) &&
        GetsMultiBackendResolver(args)) {
      return nullptr;
    }
    const absl::Status status = Check(json, args);
    if (status.ok()) return nullptr;
    const std::string text(status.message());
    Log(LogSeverity::kError,
        absl::StrCat("service config of \"",
                     args.GetString(GRPC_ARG_SERVER_URI).value_or(""),
                     "\": ", kRoutingKey, ": ", text));
    grpc_core::ValidationErrors::ScopedField field(
        errors, absl::StrCat(".", kRoutingKey));
    errors->AddError(text);
    return nullptr;
  }

 private:
  static absl::Status Check(const grpc_core::Json& json,
                            const ChannelArgs& args) {
    // Most channels of the process have neither, and must cost nothing.
    if (!core::HasMember(json, kRoutingKey) && !HasObjects(args)) {
      return absl::OkStatus();
    }
    const std::string text = core::TextOf(json);
    const absl::StatusOr<JsonObject> object = ReadServiceConfig(text);
    return object.ok() ? CheckRoutingIsFollowed(*object, args)
                       : object.status();
  }
};

}  // namespace

absl::Status CheckRoutingIsFollowed(const JsonObject& service_config,
                                    const ChannelArgs& args) {
  const bool has_routing = HasRouting(service_config);
  if (!has_routing && !HasObjects(args)) return absl::OkStatus();
  absl::optional<std::string> policy = PolicyChosenBy(service_config);
  if (!policy.has_value()) {
    policy = args.GetOwnedString(GRPC_ARG_LB_POLICY_NAME);
  }
  if (policy.has_value() && *policy != kPolicyName) {
    return NotFollowed(
        has_routing,
        absl::StrCat("the channel's LB policy is \"", *policy, "\""),
        "choose multi_backend in loadBalancingConfig");
  }
  const auto target = args.GetString(GRPC_ARG_SERVER_URI);
  if (!target.has_value()) return absl::OkStatus();
  if (IsXdsTarget(*target)) {
    return NotFollowed(
        has_routing, "the control plane chooses the policies of an xds: target",
        "use another target");
  }
  if (args.GetBool(GRPC_ARG_ENABLE_HTTP_PROXY).value_or(false)) {
    return NotFollowed(
        has_routing,
        "GRPC_ARG_ENABLE_HTTP_PROXY is on, and a proxy takes the place of the "
        "target and its resolver",
        "leave that arg out");
  }
  if (UsesMultiBackend(args) || IsMultiBackendTarget(*target)) {
    return absl::OkStatus();
  }
  return NotFollowed(
      has_routing,
      "the resolver brought them, and the channel args do not name "
      "multi_backend",
      "call SetLoadBalancingPolicyName(\"multi_backend\") on the channel args, "
      "or make the channel with multi_backend::CreateChannel");
}

absl::Status SetServiceConfig(absl::string_view target, const std::string& text,
                              grpc::ChannelArguments& args) {
  const auto config = grpc_core::MakeRefCounted<ChannelServiceConfig>(text);
  if (!config->object().ok()) return config->object().status();
  const auto read = core::ReadServiceConfig(ChannelArgs(), text);
  if (!read.ok()) return read.status();
  args.SetServiceConfigJSON(text);
  args.SetPointerWithVtable(
      std::string(ChannelServiceConfig::ChannelArgName()), config.get(),
      grpc_core::ChannelArgTypeTraits<ChannelServiceConfig>::VTable());
  const grpc_channel_args c_args = args.c_channel_args();
  const absl::Status status = CheckRoutingIsFollowed(
      *config->object(),
      ChannelArgs::FromC(&c_args).Set(GRPC_ARG_SERVER_URI, target));
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(kRoutingKey, ": ", status.message()));
}

void RegisterRoutingCheck(CoreBuilder& builder) {
  builder.builder->service_config_parser()->RegisterParser(
      std::make_unique<RoutingCheck>());
}

}  // namespace multi_backend
