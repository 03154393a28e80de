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
#include "multi_backend/port/registration.h"
#include "multi_backend/proto/config/config.h"

namespace grpc {
class ChannelArguments;
}  // namespace grpc

namespace multi_backend {

// A CorePart.
void RegisterResolvers(CoreBuilder& builder);

// The target to give to core for an application's `target`: one of our schemes
// stays, any other is wrapped.  INVALID_ARGUMENT or NOT_FOUND when it cannot
// work: a malformed list, an unknown group.  Core must be configured.
absl::StatusOr<std::string> CheckAndWrapTarget(absl::string_view target,
                                               const Config& config);

// Puts the service config `text` of a channel to `target` into the channel's
// `args`, which are otherwise complete.  INVALID_ARGUMENT when core refuses the
// text, or when the channel could not follow its routes or its sticky key, and
// why.  Core must be configured.
absl::Status SetServiceConfig(absl::string_view target, const std::string& text,
                              grpc::ChannelArguments& args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_RESOLVER_FACTORIES_H_
