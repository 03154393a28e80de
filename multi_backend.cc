#include "multi_backend/multi_backend.h"

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/validate_service_config.h>

#include <cstring>
#include <utility>

#include "absl/strings/strip.h"
#include "multi_backend/lb_policy/grpc/policy_factory.h"
#include "multi_backend/port/registration.h"
#include "multi_backend/resolver/grpc/resolver_factories.h"

namespace multi_backend {
namespace {

absl::StatusOr<Config> CheckServiceConfig(const std::string& json) {
  absl::StatusOr<ParsedConfig> parsed = ParseServiceConfig(json);
  if (!parsed.ok()) return parsed.status();
  if (!parsed->warnings.empty()) {
    gpr_log(GPR_INFO, "multi_backend: service config: %s",
            FormatWarnings(parsed->warnings).c_str());
  }
  // gRPC's own part of it.
  const std::string error = grpc::experimental::ValidateServiceConfigJSON(json);
  if (!error.empty()) {
    // The text of a status, with the code in front.
    return absl::InvalidArgumentError(
        absl::StripPrefix(error, "INVALID_ARGUMENT: "));
  }
  return std::move(parsed->config);
}

bool HasArg(const grpc::ChannelArguments& args, const char* key) {
  const grpc_channel_args c_args = args.c_channel_args();
  for (size_t i = 0; i < c_args.num_args; ++i) {
    if (strcmp(c_args.args[i].key, key) == 0) return true;
  }
  return false;
}

// With perTryTimeout for the status of a call that ran into it alone.
bool NeedsInterceptor(const Config& config,
                      const StickyKeyFunction& sticky_key) {
  return !config.routing.routes.empty() ||
         config.routing.sticky_key.has_value() || sticky_key != nullptr ||
         config.policy.failover.per_try_timeout.has_value();
}

}  // namespace

absl::Status Register() {
  return RegisterWithCore({RegisterPolicy, RegisterResolvers});
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> CreateChannel(
    const std::string& target,
    const std::shared_ptr<grpc::ChannelCredentials>& creds,
    ChannelOptions options) {
  const absl::Status registered = Register();
  if (!registered.ok()) return registered;
  if (creds == nullptr) {
    return absl::InvalidArgumentError("CreateChannel: creds is null");
  }
  if (options.service_config_json.empty()) options.service_config_json = "{}";
  absl::StatusOr<Config> config =
      CheckServiceConfig(options.service_config_json);
  if (!config.ok()) return config.status();
  absl::StatusOr<std::string> core_target = CheckAndWrapTarget(target, *config);
  if (!core_target.ok()) return core_target.status();

  if (NeedsInterceptor(*config, options.sticky_key)) {
    auto factory =
        MakeInterceptorFactory(config->routing, std::move(options.sticky_key));
    if (!factory.ok()) return factory.status();
    options.interceptors.push_back(*std::move(factory));
  }
  std::shared_ptr<const AttemptClassifier> classifier;
  if (options.retry_classifier != nullptr) {
    classifier = std::make_shared<const AttemptClassifier>(
        std::move(options.retry_classifier));
  }
  AddChannelExtension(std::move(options.pool), std::move(classifier),
                      options.args);
  options.args.SetServiceConfigJSON(options.service_config_json);
  // A proxy from the environment would take the place of the whole target.
  if (!HasArg(options.args, GRPC_ARG_ENABLE_HTTP_PROXY)) {
    options.args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  }
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      *core_target, creds, options.args, std::move(options.interceptors));
}

}  // namespace multi_backend
