// Decides which channels of the process use this library, from their channel
// args alone.
//
// A channel uses it when its args name the policy `multi_backend`
// (SetLoadBalancingPolicyName, or `loadBalancingConfig` of its service config),
// when its service config has a `multiBackend` part, or when CreateChannel()
// made it or Attach() was called on its args.
// Such a channel
// - keeps its service config where this library's resolvers can read it,
// - gets the wrapping resolver on a target of gRPC's own resolvers, so that
//   routes, failover and the backlog work there, too.
// Such a channel, and any other on one of this library's targets, does not hand
// its target to an HTTP proxy of the environment, unless the application set
// GRPC_ARG_ENABLE_HTTP_PROXY itself.  All other channels are left alone.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CHANNEL_OWNERSHIP_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CHANNEL_OWNERSHIP_H_

#include "absl/strings/string_view.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/registration.h"

namespace multi_backend {

// Requires args that have been through the channel's preconditioning.
bool UsesMultiBackend(const grpc_core::ChannelArgs& args);

// Whether the target's resolver is this library's, including the wrapping one.
bool IsMultiBackendTarget(absl::string_view target);

// Whether xDS chooses the LB policies of this target, also when it is wrapped.
bool IsXdsTarget(absl::string_view target);

// Whether the application gave the channel objects that only the policy
// `multi_backend` and its config selector use: a pool, a retry classifier, a
// sticky-key function or a sink.
bool HasObjects(const grpc_core::ChannelArgs& args);

// Whether a channel with these args gets a resolver of this library, by its
// target or because the target is wrapped.  An xDS target is wrapped only to
// refuse routes and objects that it could not use.
bool GetsMultiBackendResolver(const grpc_core::ChannelArgs& args);

// A CorePart.
void RegisterChannelOwnership(CoreBuilder& builder);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CHANNEL_OWNERSHIP_H_
