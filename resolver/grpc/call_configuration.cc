#include "multi_backend/resolver/grpc/call_configuration.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/call/grpc/channel_observer.h"
#include "multi_backend/call/grpc/config_warnings.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/observability/channel/channel_record.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/log.h"
#include "multi_backend/proto/service_config/complete.h"
#include "multi_backend/proto/service_config/read.h"
#include "multi_backend/resolver/grpc/chosen_policy.h"
#include "multi_backend/resolver/grpc/config_selector.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;

// Keeps the channel's ChannelRetryState and routes alive.  Each call holds a
// reference to its service config, so they need no reference of their own.
class ServiceConfigWithRetryState final : public core::WrappedServiceConfig {
 public:
  // `never`: see RouteConfigSelector; may be null.
  ServiceConfigWithRetryState(
      core::ServiceConfigRef inner, core::ServiceConfigRef never,
      grpc_core::RefCountedPtr<ChannelRetryState> retry_state,
      std::unique_ptr<const CallRouting> routing)
      : WrappedServiceConfig(std::move(inner)),
        never_(std::move(never)),
        retry_state_(std::move(retry_state)),
        routing_(std::move(routing)) {}

 private:
  const core::ServiceConfigRef never_;
  const grpc_core::RefCountedPtr<ChannelRetryState> retry_state_;
  const std::unique_ptr<const CallRouting> routing_;
};

absl::StatusOr<core::ServiceConfigRef> Read(const ChannelArgs& args,
                                            absl::string_view text) {
  // Core reads perAttemptRecvTimeout only with this arg.
  return core::ReadServiceConfig(
      args.Set(GRPC_ARG_EXPERIMENTAL_ENABLE_HEDGING, 1), text);
}

ChannelRecord::Configuration Describe(
    const std::string& text, const ParsedConfig& parsed,
    std::shared_ptr<const RouteTable> routes) {
  ChannelRecord::Configuration configuration;
  configuration.json = text;
  for (const LintWarning& warning : parsed.warnings) {
    configuration.warnings.push_back(FormatWarnings({warning}));
  }
  configuration.routes = [routes = std::move(routes)]() {
    return routes->Status();
  };
  return configuration;
}

void ReportTo(ChannelRecord& record,
              const grpc_core::Resolver::Result& result) {
  const absl::StatusOr<size_t> addresses = core::CountAddresses(result);
  if (!addresses.ok()) {
    record.OnResolverError(addresses.status().message());
  } else if (*addresses == 0) {
    record.OnResolverError(
        absl::StrCat("empty address list: ", result.resolution_note));
  } else {
    record.OnList(*addresses, SteadyNow());
  }
}

}  // namespace

absl::StatusOr<CallConfiguration> CallConfiguration::Make(
    const ChannelArgs& args, const ChannelServiceConfig& config,
    absl::optional<StrategyKind> default_strategy,
    grpc_core::RefCountedPtr<ChannelRetryState> retry_state) {
  const absl::Status stack = core::CheckStack(args);
  if (!stack.ok()) return stack;
  if (!config.object().ok()) return config.object().status();
  const JsonObject& root = *config.object();
  ServiceConfigAdditions additions;
  additions.choose_our_policy =
      LeavesPolicyOpen(root) &&
      args.GetString(GRPC_ARG_LB_POLICY_NAME).value_or(kPolicyName) ==
          kPolicyName;
  const bool ours =
      additions.choose_our_policy || (PolicyChosenBy(root) == kPolicyName &&
                                      PolicyEntry(root).Object().has_value());
  CallConfiguration made;
  core::ServiceConfigRef never;
  std::unique_ptr<const CallRouting> routing;
  size_t max_request_metadata = 0;
  absl::optional<int> retry_buffer;
  if (ours) {
    if (!config.parsed().ok()) return config.parsed().status();
    if (core::kShortBackoffsHang && (*config.parsed())->has_short_backoff) {
      return absl::InvalidArgumentError(
          "field:methodConfig error:a retryPolicy has an initialBackoff or "
          "maxBackoff below 0.002s, and this gRPC drops a retry whose backoff "
          "rounds to 0 ms: the call would hang past its deadline");
    }
    const Config& parsed = (*config.parsed())->config;
    const FailoverConfig& failover = parsed.policy.failover;
    max_request_metadata =
        static_cast<size_t>(parsed.policy.max_request_metadata);
    retry_buffer = failover.retry_buffer;
    auto* extension = args.GetObject<ChannelExtension>();
    auto made_routing = CallRouting::Make(
        parsed.routing,
        extension == nullptr ? nullptr : extension->sticky_keys);
    if (!made_routing.ok()) return made_routing.status();
    routing = *std::move(made_routing);
    made.routes = routing->routes();
    additions.default_strategy = default_strategy;
    const bool classified =
        extension != nullptr && extension->classifier != nullptr;
    if (failover.per_try_timeout.has_value()) {
      FailoverConfig patient = failover;
      patient.per_try_timeout.reset();
      additions.retry_policy = RetryPolicyJson(patient, classified);
      auto read =
          Read(args, CompleteServiceConfig(config.text(), root, additions));
      if (!read.ok()) return read.status();
      never = *std::move(read);
    }
    additions.retry_policy = RetryPolicyJson(failover, classified);
  }
  auto service_config =
      Read(args, CompleteServiceConfig(config.text(), root, additions));
  if (!service_config.ok()) return service_config.status();
  grpc_core::ServiceConfig* const never_pointer = never.get();
  ChannelRetryState* const retry_state_pointer = retry_state.get();
  const CallRouting* const routing_pointer = routing.get();
  made.service_config = grpc_core::MakeRefCounted<ServiceConfigWithRetryState>(
      *std::move(service_config), std::move(never), std::move(retry_state),
      std::move(routing));
  if (!ours) return made;
  absl::flat_hash_set<const core::MethodConfigs*> own_retry;
  for (const std::string& path : PathsWithRetryPolicy(root)) {
    own_retry.insert(core::MethodConfigsOf(*made.service_config, path));
  }
  made.selector = grpc_core::MakeRefCounted<RouteConfigSelector>(
      made.service_config, never_pointer, retry_state_pointer, routing_pointer,
      std::move(own_retry), max_request_metadata, retry_buffer);
  return made;
}

CallConfigurationCache::CallConfigurationCache(
    ChannelArgs args, absl::optional<StrategyKind> default_strategy)
    : args_(std::move(args)),
      default_strategy_(default_strategy),
      retry_state_(grpc_core::MakeRefCounted<ChannelRetryState>()),
      made_(CallConfiguration()) {
  retry_state_->SetObserver(MakeChannelObserver(args_));
}

CallConfigurationCache::~CallConfigurationCache() {
  if (record_ != nullptr) record_->OnResolverStopped();
}

void CallConfigurationCache::Observe(
    std::function<std::string()> newest_error) {
  record_ = RecordOf(args_);
  if (record_ != nullptr) record_->OnResolverStarted(std::move(newest_error));
}

void CallConfigurationCache::SetDefaultStrategy(
    absl::optional<StrategyKind> strategy) {
  if (!strategy.has_value() || strategy == default_strategy_) return;
  default_strategy_ = strategy;
  text_.reset();
}

const absl::StatusOr<CallConfiguration>& CallConfigurationCache::Get(
    const grpc_core::ServiceConfig* resolved) {
  auto config = args_.GetObjectRef<ChannelServiceConfig>();
  if (resolved == nullptr &&
      args_.GetInt(kForeignServiceConfigArg).value_or(0) != 0) {
    text_.reset();
    made_ = CallConfiguration();
    return made_;
  }
  absl::string_view text = resolved != nullptr ? resolved->json_string()
                           : config != nullptr ? config->text()
                                               : "";
  if (text.empty()) text = "{}";
  if (text_.has_value() && *text_ == text) return made_;
  if (config == nullptr || config->text() != text) {
    config = grpc_core::MakeRefCounted<ChannelServiceConfig>(text);
  }
  made_ =
      CallConfiguration::Make(args_, *config, default_strategy_, retry_state_);
  text_ = std::string(text);
  // Core keeps its selector when the text is the same, and its calls count in
  // the routes of that one.
  if (made_.ok() && made_->selector != nullptr &&
      applied_.selector != nullptr &&
      made_->selector->SelectsAs(*applied_.selector)) {
    made_ = applied_;
  }
  if (made_.ok() && made_->selector != nullptr) Announce(**config->parsed());
  // Calls show the error themselves when there is no last good one.
  if (!made_.ok() && applied_.selector != nullptr) {
    Log(LogSeverity::kError,
        absl::StrCat("target \"",
                     args_.GetString(GRPC_ARG_SERVER_URI).value_or(""),
                     "\": the new service config is refused, and the last good "
                     "one stays: ",
                     made_.status().message()));
  }
  return made_;
}

void CallConfigurationCache::Announce(const ParsedConfig& parsed) const {
  if (record_ != nullptr) {
    record_->SetConfiguration(Describe(*text_, parsed, made_->routes));
  }
  const auto* extension = args_.GetObject<ChannelExtension>();
  if (extension == nullptr) return;
  if (extension->sticky_keys != nullptr) {
    const auto& key = parsed.config.routing.sticky_key;
    extension->sticky_keys->SetRequestField(key.has_value() ? key->request_field
                                                            : "");
  }
  if (extension->warnings != nullptr) {
    extension->warnings->Report(*text_, parsed.warnings);
  }
}

void CallConfigurationCache::ApplyTo(grpc_core::Resolver::Result& result) {
  if (record_ != nullptr) ReportTo(*record_, result);
  if (result.service_config.ok()) {
    const auto& configuration = Get(result.service_config->get());
    if (configuration.ok()) {
      result.service_config = configuration->service_config;
      applied_ = *configuration;
      if (applied_.selector != nullptr) {
        core::SetSelector(result, configuration->selector);
      }
    } else {
      result.service_config = configuration.status();
    }
  }
  if (applied_.selector != nullptr) {
    result.args = result.args.SetObject(retry_state_);
  }
}

}  // namespace multi_backend
