#include "multi_backend/resolver/grpc/call_configuration.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/call/grpc/channel_observer.h"
#include "multi_backend/call/grpc/config_warnings.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/observability/channel/channel_record.h"
#include "multi_backend/port/log.h"
#include "multi_backend/resolver/grpc/chosen_policy.h"
#include "multi_backend/resolver/grpc/config_selector.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using grpc_core::Json;

// The members of the policy `multi_backend`; null when another policy is
// chosen.
Json::Object* FindOurPolicy(Json& root) {
  if (PolicyChosenBy(root) != kPolicyName) return nullptr;
  Json* policy = const_cast<Json*>(PolicyEntry(root));
  if (policy == nullptr || policy->type() != Json::Type::OBJECT) return nullptr;
  return policy->mutable_object();
}

// Chooses `multi_backend` where no other policy is chosen.
void ChooseOurPolicy(const ChannelArgs& args, Json::Object& root) {
  if (root.count(std::string(kLoadBalancingConfig)) > 0) return;
  const auto name = root.find(std::string(kLoadBalancingPolicy));
  if (name != root.end() && name->second != Json(std::string(kPolicyName))) {
    return;
  }
  if (args.GetString(GRPC_ARG_LB_POLICY_NAME).value_or(kPolicyName) !=
      kPolicyName) {
    return;
  }
  root[std::string(kLoadBalancingConfig)] =
      Json::Array{Json::Object{{std::string(kPolicyName), Json::Object{}}}};
}

// The retry policy for core; nullopt when failover is off.
absl::optional<Json> RetryPolicyOf(const FailoverConfig& failover,
                                   bool all_codes) {
  if (failover.max_retries == 0) return absl::nullopt;
  Json::Array codes;
  if (all_codes) {
    // The application's classifier decides, so core must let it see every
    // status.
    for (int code = 1; code <= 16; ++code) {
      codes.push_back(
          absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
    }
  } else {
    for (absl::StatusCode code : failover.retriable_status_codes) {
      codes.push_back(absl::StatusCodeToString(code));
    }
  }
  Json::Object policy = {
      // Core's maximum; ShouldRetry() decides how many attempts are really
      // made.
      {"maxAttempts", 5},
      // The next attempt goes to another backend, so a short backoff is enough.
      {"initialBackoff", "0.001s"},
      {"maxBackoff", "0.02s"},
      {"backoffMultiplier", 2},
      {"retryableStatusCodes", std::move(codes)},
  };
  if (failover.per_try_timeout.has_value()) {
    policy["perAttemptRecvTimeout"] = absl::StrFormat(
        "%.9fs", absl::ToDoubleSeconds(*failover.per_try_timeout));
  }
  return Json(std::move(policy));
}

// Keeps the channel's ChannelRetryState and routes alive.  Each call holds a
// reference to its service config, so they need no reference of their own.
class ServiceConfigWithRetryState final : public grpc_core::ServiceConfig {
 public:
  // `never`: see RouteConfigSelector; may be null.
  ServiceConfigWithRetryState(
      grpc_core::RefCountedPtr<ServiceConfig> inner,
      grpc_core::RefCountedPtr<ServiceConfig> never,
      grpc_core::RefCountedPtr<ChannelRetryState> retry_state,
      std::unique_ptr<const CallRouting> routing)
      : inner_(std::move(inner)),
        never_(std::move(never)),
        retry_state_(std::move(retry_state)),
        routing_(std::move(routing)) {}

  absl::string_view json_string() const override {
    return inner_->json_string();
  }
  grpc_core::ServiceConfigParser::ParsedConfig* GetGlobalParsedConfig(
      size_t index) override {
    return inner_->GetGlobalParsedConfig(index);
  }
  const grpc_core::ServiceConfigParser::ParsedConfigVector*
  GetMethodParsedConfigVector(const grpc_slice& path) const override {
    return inner_->GetMethodParsedConfigVector(path);
  }

 private:
  const grpc_core::RefCountedPtr<ServiceConfig> inner_;
  const grpc_core::RefCountedPtr<ServiceConfig> never_;
  const grpc_core::RefCountedPtr<ChannelRetryState> retry_state_;
  const std::unique_ptr<const CallRouting> routing_;
};

// The paths that represent the names of a methodConfig entry.
std::vector<std::string> PathsOf(const Json& entry, bool* is_default) {
  std::vector<std::string> paths;
  auto names = entry.object_value().find("name");
  if (names == entry.object_value().end()) return paths;
  for (const Json& name : names->second.array_value()) {
    auto text = [&name](const char* key) {
      auto it = name.object_value().find(key);
      return it == name.object_value().end() ? "" : it->second.string_value();
    };
    const std::string service = text("service");
    const std::string method = text("method");
    if (service.empty()) *is_default = true;
    // The method "*", which cannot exist, represents all other methods.
    paths.push_back(absl::StrCat("/", service.empty() ? "*" : service, "/",
                                 method.empty() ? "*" : method));
  }
  return paths;
}

// Gives failover's retryPolicy, if there is one, to every method without a
// retryPolicy of its own; returns the paths of the methods with their own.
std::vector<std::string> CompleteMethodConfigs(
    Json::Object& root, const absl::optional<Json>& retry_policy) {
  std::vector<std::string> own;
  const bool none = root.count("methodConfig") == 0;
  Json& list = root["methodConfig"];
  if (none) list = Json::Array{};
  // Core's parser reports this error.
  if (list.type() != Json::Type::ARRAY) return own;
  bool has_default = false;
  for (Json& entry : *list.mutable_array()) {
    if (entry.type() != Json::Type::OBJECT) continue;
    const std::vector<std::string> paths = PathsOf(entry, &has_default);
    if (entry.object_value().count("retryPolicy") > 0) {
      own.insert(own.end(), paths.begin(), paths.end());
    } else if (retry_policy.has_value()) {
      (*entry.mutable_object())["retryPolicy"] = *retry_policy;
    }
  }
  if (!has_default && retry_policy.has_value()) {
    list.mutable_array()->push_back(Json::Object{
        {"name", Json::Array{Json::Object{}}}, {"retryPolicy", *retry_policy}});
  }
  return own;
}

absl::StatusOr<grpc_core::RefCountedPtr<grpc_core::ServiceConfig>>
MakeServiceConfig(const ChannelArgs& args, const Json& json) {
  grpc_core::ValidationErrors errors;
  // Core reads perAttemptRecvTimeout only with this arg.
  auto service_config = grpc_core::ServiceConfigImpl::Create(
      args.Set(GRPC_ARG_EXPERIMENTAL_ENABLE_HEDGING, 1), json, &errors);
  if (!errors.ok()) return errors.status("errors validating service config");
  return service_config;
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
  if (!result.addresses.ok()) {
    record.OnResolverError(result.addresses.status().message());
  } else if (result.addresses->empty()) {
    record.OnResolverError(
        absl::StrCat("empty address list: ", result.resolution_note));
  } else {
    record.OnList(result.addresses->size(), SteadyNow());
  }
}

}  // namespace

absl::StatusOr<CallConfiguration> CallConfiguration::Make(
    const ChannelArgs& args, const ChannelServiceConfig& config,
    absl::optional<StrategyKind> default_strategy,
    grpc_core::RefCountedPtr<ChannelRetryState> retry_state) {
  if (!config.json().ok()) return config.json().status();
  if (config.json()->type() != Json::Type::OBJECT) {
    return absl::InvalidArgumentError("service config is not a JSON object");
  }
  Json root = *config.json();
  ChooseOurPolicy(args, *root.mutable_object());
  CallConfiguration made;
  Json::Object* policy = FindOurPolicy(root);
  std::vector<std::string> own_retry_paths;
  grpc_core::RefCountedPtr<grpc_core::ServiceConfig> never;
  std::unique_ptr<const CallRouting> routing;
  size_t max_request_metadata = 0;
  absl::optional<int> retry_buffer;
  if (policy != nullptr) {
    if (default_strategy.has_value() && policy->count("strategy") == 0) {
      (*policy)["strategy"] = std::string(StrategyName(*default_strategy));
    }
    if (!config.parsed().ok()) return config.parsed().status();
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
    const bool classified =
        extension != nullptr && extension->classifier != nullptr;
    if (failover.per_try_timeout.has_value()) {
      FailoverConfig patient = failover;
      patient.per_try_timeout.reset();
      Json without_timeout = root;
      CompleteMethodConfigs(*without_timeout.mutable_object(),
                            RetryPolicyOf(patient, classified));
      auto created = MakeServiceConfig(args, without_timeout);
      if (!created.ok()) return created.status();
      never = *std::move(created);
    }
    own_retry_paths = CompleteMethodConfigs(
        *root.mutable_object(), RetryPolicyOf(failover, classified));
  }
  auto service_config = MakeServiceConfig(args, root);
  if (!service_config.ok()) return service_config.status();
  grpc_core::ServiceConfig* const never_pointer = never.get();
  ChannelRetryState* const retry_state_pointer = retry_state.get();
  const CallRouting* const routing_pointer = routing.get();
  made.service_config = grpc_core::MakeRefCounted<ServiceConfigWithRetryState>(
      *std::move(service_config), std::move(never), std::move(retry_state),
      std::move(routing));
  absl::flat_hash_set<const RouteConfigSelector::MethodConfigs*> own_retry;
  for (const std::string& path : own_retry_paths) {
    grpc_slice slice = grpc_slice_from_copied_string(path.c_str());
    own_retry.insert(made.service_config->GetMethodParsedConfigVector(slice));
    grpc_slice_unref(slice);
  }
  if (policy != nullptr) {
    made.selector = grpc_core::MakeRefCounted<RouteConfigSelector>(
        made.service_config, never_pointer, retry_state_pointer,
        routing_pointer, std::move(own_retry), max_request_metadata,
        retry_buffer);
  }
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
      made_->selector->Equals(applied_.selector.get())) {
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
        result.args = result.args.SetObject(configuration->selector);
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
