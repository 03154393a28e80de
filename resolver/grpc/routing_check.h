// Refuses a service config whose `multiBackend` part (routes, sticky key) would
// be ignored: a route that is lost in silence sends writes to replicas.
//
// Core asks for each service config that a channel gets, from its args or from
// its resolver; an error then makes the channel fail its calls with the text,
// or go on with its last good service config.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ROUTING_CHECK_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ROUTING_CHECK_H_

#include "absl/status/status.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/port/registration.h"

namespace multi_backend {

// INVALID_ARGUMENT when `service_config` has routes or a sticky key that a
// channel with `args` cannot follow, and why.  Without a target in `args` only
// the choice of the policy is looked at.
absl::Status CheckRoutingIsFollowed(const grpc_core::Json& service_config,
                                    const grpc_core::ChannelArgs& args);

// A CorePart.
void RegisterRoutingCheck(CoreBuilder& builder);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ROUTING_CHECK_H_
