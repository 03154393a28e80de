// CallConfiguration: what our resolvers return beside the addresses: a service
// config completed with our defaults and failover's retry policy, and the
// config selector over it.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CALL_CONFIGURATION_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CALL_CONFIGURATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

struct CallConfiguration {
  // Both null when the channel's service config is none of ours.
  grpc_core::RefCountedPtr<grpc_core::ServiceConfig> service_config;
  grpc_core::RefCountedPtr<grpc_core::ConfigSelector> selector;

  // `gate`: of the channel, reached by its calls.
  // `json`: the service config; "" = none.  `default_strategy`: for a
  // configuration that names none.  Without any LB policy in `json` or `args`,
  // ours is chosen.  INVALID_ARGUMENT names the fields.
  static absl::StatusOr<CallConfiguration> Make(
      const grpc_core::ChannelArgs& args, absl::string_view json,
      absl::optional<StrategyKind> default_strategy,
      grpc_core::RefCountedPtr<RetryGate> gate);
};

// Makes the configuration of one channel, and again only when its JSON changes.
class CallConfigurationCache {
 public:
  CallConfigurationCache(grpc_core::ChannelArgs args,
                         absl::optional<StrategyKind> default_strategy);

  // `resolved`: a service config that the resolver itself found; null = none,
  // the channel's own is used.
  const absl::StatusOr<CallConfiguration>& Get(
      const grpc_core::ServiceConfig* resolved);

  // Puts the configuration into `result`; on errors the error.  Core then goes
  // on with the last good one, so the gate that belongs to that stays too.
  void ApplyTo(grpc_core::Resolver::Result& result);

 private:
  const grpc_core::ChannelArgs args_;
  const absl::optional<StrategyKind> default_strategy_;
  const grpc_core::RefCountedPtr<RetryGate> gate_;
  absl::optional<std::string> json_;  // Of `made_`.
  bool last_good_has_selector_ = false;
  absl::StatusOr<CallConfiguration> made_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CALL_CONFIGURATION_H_
