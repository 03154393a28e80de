// WrappingResolver: adds this library's config selector to the results of
// another resolver (dns, ipv4, unix, xds, …).
//
// The target is "multi-backend:" followed by the percent-encoded target to
// wrap.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_WRAPPING_RESOLVER_H_
#define MULTI_BACKEND_RESOLVER_GRPC_WRAPPING_RESOLVER_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

// Makes the wrapping target of one like "dns:///users:50051".
std::string WrapTarget(absl::string_view target);

// Null when core knows no resolver for `target`.
grpc_core::OrphanablePtr<grpc_core::Resolver> MakeWrappingResolver(
    grpc_core::ResolverArgs args, absl::string_view target);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_WRAPPING_RESOLVER_H_
