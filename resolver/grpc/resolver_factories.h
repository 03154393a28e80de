// Registers our target schemes with core:
//   static:///host:port,host:port   a literal list; empty = the configuration's
//                                   `backends`
//   group:///name                   a group of EndpointGroupRegistry
//   file, dns+addr, …               discovery sources (source/registry.h), all
//                                   of them, also those that are not linked
//   multi-backend:TARGET            any other target, with our config selector
#ifndef MULTI_BACKEND_RESOLVER_GRPC_RESOLVER_FACTORIES_H_
#define MULTI_BACKEND_RESOLVER_GRPC_RESOLVER_FACTORIES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/port/registration.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// A CorePart.
void RegisterResolvers(CoreBuilder& builder);

// The target to give to core for an application's `target`: one of our schemes
// stays, any other is wrapped.  INVALID_ARGUMENT or NOT_FOUND when it cannot
// work: a malformed list, an unknown group.  Core must be configured.
absl::StatusOr<std::string> CheckAndWrapTarget(absl::string_view target,
                                               const Config& config);

// INVALID_ARGUMENT when a channel to `target` could not follow the routes or
// the sticky key of its service config, and why.  `lb_policy_name` is the
// policy that the channel args name, `http_proxy` whether they turn on the
// environment's HTTP proxy.  Core must be configured.
absl::Status CheckRoutingIsFollowed(
    absl::string_view target, absl::string_view service_config_json,
    absl::optional<absl::string_view> lb_policy_name, bool http_proxy);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_RESOLVER_FACTORIES_H_
