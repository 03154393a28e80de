// The client interceptor: states a call's route and sticky key in its label.
//
// For each call it drops all metadata whose key begins with "mb-" (nobody but
// this library speaks under that name), finds the rule of the call's method,
// takes the sticky key, and adds the label as one metadata entry.  A call that
// no rule says anything about and that has no key gets no label.  The config
// selector takes the label off again, so that it never leaves the process.
//
// The sticky key comes from the application's function, if there is one, else
// from where the configuration says.  An empty key is no key, so that calls
// without a user do not all go to one backend.  The first request message of a
// client-side or bidirectional stream comes after its metadata (unless it is
// corked), so a key from a request field does not exist there; this is logged
// once.
//
// It also gives a call whose last attempt ran into failover's perTryTimeout the
// status DEADLINE_EXCEEDED; gRPC itself ends such a call with CANCELLED.
//
// Threads: a factory serves calls in all threads.
#ifndef MULTI_BACKEND_INTERCEPTORS_GRPC_ROUTING_INTERCEPTOR_H_
#define MULTI_BACKEND_INTERCEPTORS_GRPC_ROUTING_INTERCEPTOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/support/client_interceptor.h"
#include "multi_backend/interceptors/call_view.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// The factory to give to a channel, behind the application's own ones, so that
// they may still set the header that holds the key.  It is useful only for
// channels with our config selector: elsewhere the label reaches the server.
// INVALID_ARGUMENT names what is wrong in `config`.
absl::StatusOr<
    std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
MakeInterceptorFactory(const RoutingConfig& config,
                       StickyKeyFunction sticky_key = nullptr);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_GRPC_ROUTING_INTERCEPTOR_H_
