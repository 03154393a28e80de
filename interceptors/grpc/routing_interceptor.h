// The routing interceptor: a client interceptor that puts the route and the
// sticky key of each call into the call's label.
//
// For each call it finds the rule for the method, takes the sticky key, and
// adds the label as one metadata entry.  A call for which it decides neither
// gets no label.  The config selector removes the label again, and decides what
// the label leaves open, by the channel's own service config.  On a channel
// without that selector the label filter (call/grpc/filters/label_filter.h)
// removes it, so the label never leaves the process.  If two interceptors of
// this library are chained, the last one that decides the route or the key
// wins.
//
// A call whose metadata would make gRPC abort the process, or which brings the
// reserved key of the label, ends with INVALID_ARGUMENT and a text that names
// the key (request_metadata.h).  It is not sent.
//
// Sticky key: it comes from the application's function if there is one, and
// otherwise from the configured place.  An empty key counts as no key, so that
// calls without a user do not all go to one backend.  A client-side or
// bidirectional stream sends its first request after the metadata, unless the
// metadata is corked.  A key from a request field therefore does not exist for
// such a stream, which is logged once.
//
// Threads: a factory serves calls on all threads.
#ifndef MULTI_BACKEND_INTERCEPTORS_GRPC_ROUTING_INTERCEPTOR_H_
#define MULTI_BACKEND_INTERCEPTORS_GRPC_ROUTING_INTERCEPTOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/support/client_interceptor.h"
#include "multi_backend/interceptors/call_view.h"
#include "multi_backend/interceptors/sticky_key_source.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// Makes the factory for one channel that the application makes itself.  Place
// it after the interceptors of the application, so that these may still set the
// header that holds the key.  The factory keeps `config`, so that a channel
// with the same service config finds it parsed.  Returns INVALID_ARGUMENT,
// which says what is wrong in `config`.
absl::StatusOr<
    std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
MakeInterceptorFactory(std::shared_ptr<const RoutingConfig> config,
                       StickyKeyFunction sticky_key = nullptr);

// The interceptor of a channel that CreateChannel() makes.
struct KeyInterceptor {
  std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>
      factory;
  // The config selector sets its request field.
  std::shared_ptr<StickyKeySource> keys;
};

// Makes an interceptor that decides the sticky key alone, from `sticky_key` or
// from the request, and leaves the rest to the channel's config selector, whose
// routes a resolver may replace.  `sticky_key` may be null.
//
// `is_only` says that the channel has no other interceptors, which might change
// the metadata.  Then only the calls that need it get an interceptor: those
// with a key of that kind, and those whose metadata is refused.
KeyInterceptor MakeKeyInterceptor(StickyKeyFunction sticky_key, bool is_only);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_GRPC_ROUTING_INTERCEPTOR_H_
