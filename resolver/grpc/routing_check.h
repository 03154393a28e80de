// Refuses a service config whose `multiBackend` part (routes, sticky key) would
// be ignored, or beside which the application's pool, retry classifier,
// sticky-key function or sinks would be.  A route that is lost silently would
// send writes to replicas.
//
// Core calls the check for each service config that a channel gets, from its
// args or from its resolver.  After an error the channel fails its calls with
// that text, or goes on with its last good service config.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ROUTING_CHECK_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ROUTING_CHECK_H_

#include "absl/status/status.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/registration.h"
#include "multi_backend/proto/json/object.h"

namespace multi_backend {

// INVALID_ARGUMENT, with the reason, when `service_config` has routes or a
// sticky key that a channel with `args` cannot follow, or when the objects in
// `args` could not be used.  When `args` has no target, only the choice of the
// policy is checked.
absl::Status CheckRoutingIsFollowed(const JsonObject& service_config,
                                    const grpc_core::ChannelArgs& args);

// A CorePart.
void RegisterRoutingCheck(CoreBuilder& builder);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ROUTING_CHECK_H_
