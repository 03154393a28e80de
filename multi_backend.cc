#include "multi_backend/multi_backend.h"

#include <grpcpp/create_channel.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/call/grpc/config_warnings.h"
#include "multi_backend/call/grpc/filters/call_end_filter.h"
#include "multi_backend/call/grpc/filters/label_filter.h"
#include "multi_backend/call/grpc/parsed_configs.h"
#include "multi_backend/call/grpc/set_channel_extension.h"
#include "multi_backend/health/probes/registry.h"
#include "multi_backend/interceptors/grpc/routing_interceptor.h"
#include "multi_backend/interceptors/sticky_key_source.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/grpc/policy_factory.h"
#include "multi_backend/linked_parts.h"
#include "multi_backend/observability/metrics_sink.h"
#include "multi_backend/port/registration.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/grpc/resolver_factories.h"

namespace multi_backend {
namespace {

// The last arg of that name, which is the one that counts; null for none.
const grpc_arg* FindArg(const grpc::ChannelArguments& args, const char* key) {
  const grpc_channel_args c_args = args.c_channel_args();
  for (size_t i = c_args.num_args; i > 0; --i) {
    if (strcmp(c_args.args[i - 1].key, key) == 0) return &c_args.args[i - 1];
  }
  return nullptr;
}

// The service config of the options, or the one that the application put into
// the channel args; two of them are refused rather than one dropped.
absl::StatusOr<std::string> ServiceConfigOf(const ChannelOptions& options) {
  const grpc_arg* in_args = FindArg(options.args, GRPC_ARG_SERVICE_CONFIG);
  if (in_args == nullptr || in_args->type != GRPC_ARG_STRING) {
    return options.service_config_json.empty() ? "{}"
                                               : options.service_config_json;
  }
  if (options.service_config_json.empty()) return in_args->value.string;
  return absl::InvalidArgumentError(
      "CreateChannel: there are two service configs, service_config_json and "
      "the one that args.SetServiceConfigJSON() has set: put both into one");
}

bool HasExtras(const grpc::ChannelArguments& args) {
  return FindArg(args, kChannelExtensionArg) != nullptr;
}

// INVALID_ARGUMENT when a sink is null; `function` is the caller's name.
absl::Status CheckSinks(const ChannelExtras& extras,
                        absl::string_view function) {
  for (size_t i = 0; i < extras.sinks.size(); ++i) {
    if (extras.sinks[i] != nullptr) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        function, ": sinks[", i, "] is null: leave it out, or set it"));
  }
  return absl::OkStatus();
}

// ChannelExtras::on_call_end.
class CallEndSink final : public MetricsSink {
 public:
  explicit CallEndSink(std::function<void(const CallEnded&)> function)
      : function_(std::move(function)) {}

  void OnCallEnded(const CallEnded& call) override { function_(call); }
  TrailSampling trail_sampling() const override {
    return {/*failed_and_retried=*/true, /*one_in=*/1};
  }

 private:
  const std::function<void(const CallEnded&)> function_;
};

// Puts `extras` into `args`, but for the sticky-key function, which has become
// `sticky_keys`.
void SetExtras(ChannelExtras extras,
               std::shared_ptr<StickyKeySource> sticky_keys,
               grpc::ChannelArguments& args) {
  ChannelObjects objects;
  objects.pool = std::move(extras.pool);
  objects.make_pool = []() { return BackendPool::Create(); };
  objects.sticky_keys = std::move(sticky_keys);
  if (extras.retry_classifier != nullptr) {
    objects.classifier = std::make_shared<const AttemptClassifier>(
        std::move(extras.retry_classifier));
  }
  if (extras.on_warnings != nullptr) {
    objects.warnings =
        std::make_shared<ConfigWarnings>(std::move(extras.on_warnings));
  }
  objects.sinks = std::move(extras.sinks);
  if (extras.on_call_end != nullptr) {
    objects.sinks.push_back(
        std::make_shared<CallEndSink>(std::move(extras.on_call_end)));
  }
  SetChannelExtension(std::move(objects), args);
}

}  // namespace

absl::Status Register() {
  const absl::Status linked = RegisterLinkedParts();
  if (!linked.ok()) return linked;
  return RegisterWithCore({RegisterPolicy, RegisterResolvers,
                           RegisterLabelFilter, RegisterCallEndFilter});
}

absl::Status Attach(ChannelExtras extras, grpc::ChannelArguments* args) {
  const absl::Status registered = Register();
  if (!registered.ok()) return registered;
  if (args == nullptr) {
    return absl::InvalidArgumentError("Attach: args is null");
  }
  if (HasExtras(*args)) {
    return absl::InvalidArgumentError(
        "Attach: these args already have extras: put all of them into one "
        "ChannelExtras, or use other args");
  }
  const absl::Status sinks = CheckSinks(extras, "Attach");
  if (!sinks.ok()) return sinks;
  std::shared_ptr<StickyKeySource> sticky_keys;
  if (extras.sticky_key != nullptr) {
    // It reads no request fields, so there is nothing to report about them.
    sticky_keys = std::make_shared<StickyKeySource>(
        StickyKeySource::Reader::kConfigSelector, std::move(extras.sticky_key),
        nullptr);
  }
  SetExtras(std::move(extras), std::move(sticky_keys), *args);
  return absl::OkStatus();
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
  if (HasExtras(options.args)) {
    return absl::InvalidArgumentError(
        "CreateChannel: args have been given to Attach(): put the extras into "
        "ChannelOptions");
  }
  const absl::Status sinks = CheckSinks(options, "CreateChannel");
  if (!sinks.ok()) return sinks;
  const absl::StatusOr<std::string> json = ServiceConfigOf(options);
  if (!json.ok()) return json.status();
  // Kept until the channel holds it, so that the text is parsed only here.
  const auto parsed = ParsedConfigs().Get(*json);
  if (!parsed.ok()) return parsed.status();
  const Config& config = (*parsed)->config;
  const absl::Status linked = CheckProbeIsLinked(config.policy.health);
  if (!linked.ok()) return linked;
  KeyInterceptor interceptor =
      MakeKeyInterceptor(std::move(options.sticky_key),
                         /*is_only=*/options.interceptors.empty());
  options.interceptors.push_back(std::move(interceptor.factory));
  // Only the part that ChannelExtras declares is moved.
  SetExtras(static_cast<ChannelExtras&&>(options), std::move(interceptor.keys),
            options.args);
  const absl::Status set = SetServiceConfig(target, *json, options.args);
  if (!set.ok()) return set;
  absl::StatusOr<std::string> core_target = CheckAndWrapTarget(target, config);
  if (!core_target.ok()) return core_target.status();

  return grpc::experimental::CreateCustomChannelWithInterceptors(
      *core_target, creds, options.args, std::move(options.interceptors));
}

}  // namespace multi_backend
