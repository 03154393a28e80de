// CallConfiguration: what this library's resolvers return beside the addresses.
// That is a service config completed with the library's defaults and the retry
// policy of failover, and the config selector over it.
//
// Threads: the cache is used in the channel's work serializer.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CALL_CONFIGURATION_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CALL_CONFIGURATION_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/grpc/channel_service_config.h"

namespace multi_backend {

class RouteTable;

struct CallConfiguration {
  // Both are null when the channel's service config does not choose the policy
  // `multi_backend`.
  grpc_core::RefCountedPtr<grpc_core::ServiceConfig> service_config;
  grpc_core::RefCountedPtr<core::SelectorBase> selector;
  // The routes that the selector follows; null without one.
  std::shared_ptr<const RouteTable> routes;

  // `retry_state` belongs to the channel; its calls reach it.
  // `default_strategy` is for a configuration that names no strategy.  When
  // neither `config` nor `args` chooses an LB policy, `multi_backend` is
  // chosen.  INVALID_ARGUMENT names the fields.
  static absl::StatusOr<CallConfiguration> Make(
      const grpc_core::ChannelArgs& args, const ChannelServiceConfig& config,
      absl::optional<StrategyKind> default_strategy,
      grpc_core::RefCountedPtr<ChannelRetryState> retry_state);
};

class ChannelRecord;

// Makes the configuration of one channel, and makes it again only when its
// service config or the default strategy changes.
class CallConfigurationCache {
 public:
  CallConfigurationCache(grpc_core::ChannelArgs args,
                         absl::optional<StrategyKind> default_strategy);
  ~CallConfigurationCache();
  CallConfigurationCache(const CallConfigurationCache&) = delete;
  CallConfigurationCache& operator=(const CallConfigurationCache&) = delete;

  // Tells the channel's observers, if there are any, that a resolver runs from
  // now until this object is destroyed; see ChannelRecord::OnResolverStarted().
  void Observe(std::function<std::string()> newest_error = nullptr);

  // The next Get() has this default strategy; nullopt leaves the one before.
  void SetDefaultStrategy(absl::optional<StrategyKind> strategy);

  // `resolved` is a service config that the resolver itself found.  When it is
  // null, the channel's own is used.
  const absl::StatusOr<CallConfiguration>& Get(
      const grpc_core::ServiceConfig* resolved);

  // Puts the configuration, or the error, into `result`, and tells the
  // observers what the result is.  After an error core goes on with the last
  // good service config, so the retry_state that belongs to that one stays,
  // too.
  void ApplyTo(grpc_core::Resolver::Result& result);

 private:
  // Tells the channel's interceptor, its observers and the application about
  // made_, which calls will follow.
  void Announce(const ParsedConfig& parsed) const;

  const grpc_core::ChannelArgs args_;
  absl::optional<StrategyKind> default_strategy_;
  const grpc_core::RefCountedPtr<ChannelRetryState> retry_state_;
  std::shared_ptr<ChannelRecord> record_;  // Null without observers.
  absl::optional<std::string> text_;       // The service config of `made_`.
  absl::StatusOr<CallConfiguration> made_;
  // What core follows: the newest good one that a result has had.
  CallConfiguration applied_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CALL_CONFIGURATION_H_
