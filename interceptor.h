// The client interceptor, for channels that gRPC's own functions make:
//
//   std::vector<std::unique_ptr<
//       grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
//   auto factory = multi_backend::MakeInterceptorFactory(json);
//   if (!factory.ok()) …
//   interceptors.push_back(*std::move(factory));
//   args.SetLoadBalancingPolicyName("multi_backend");
//   auto channel = grpc::experimental::CreateCustomChannelWithInterceptors(
//       target, creds, args, std::move(interceptors));
//
// Such a channel follows the routes and `stickyKey.header` of its service
// config without an interceptor.  The interceptor is for sticky keys that come
// from the request or from a function that reads it.  It also fails a call with
// INVALID_ARGUMENT whose metadata would make gRPC end the process.
// CreateChannel() adds one itself.
//
// On a channel that does not use `multi_backend` a call that a route sends to a
// role fails with INTERNAL.  Other calls go on without route and key, and
// gRPC's log has an ERROR line.  No server sees what the interceptor adds to a
// call.
//
// API of this header: the MakeInterceptorFactory that it declares,
// StickyKeyFunction, CallView, WarningFunction.
#ifndef MULTI_BACKEND_INTERCEPTOR_H_
#define MULTI_BACKEND_INTERCEPTOR_H_

#include <grpcpp/support/client_interceptor.h>

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/grpc/config_warnings.h"
#include "multi_backend/interceptors/call_view.h"

namespace multi_backend {

// Makes the factory for the `multiBackend` part of a whole service config.
// Without that part there are no routes.  `sticky_key` replaces its
// `stickyKey`.  `on_warnings` receives the warnings about the service config
// before this function returns; they go to the log, too.
//
// What this interceptor decides about a call, a route by a rule that matches or
// a key, wins over the channel's own service config, which decides the rest.
// Put the factory behind the application's own ones, so that they may still set
// the header that holds the key.
//
// INVALID_ARGUMENT names every wrong field by its path, also in the part of the
// LB policy.  Thread-safe.
absl::StatusOr<
    std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
MakeInterceptorFactory(absl::string_view service_config_json,
                       StickyKeyFunction sticky_key = nullptr,
                       const WarningFunction& on_warnings = nullptr);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTOR_H_
