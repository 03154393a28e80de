// WrappingResolver: any other resolver (dns, ipv4, unix, xds, …) with our
// config selector added to its results.
//
// The target is "multi-backend:" and the percent-encoded target to wrap.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_WRAPPING_RESOLVER_H_
#define MULTI_BACKEND_RESOLVER_GRPC_WRAPPING_RESOLVER_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

constexpr absl::string_view kWrappingScheme = "multi-backend";

// "dns:///users:50051" -> the target that wraps it.
std::string WrapTarget(absl::string_view target);

// Null when core knows no resolver for `target`.
grpc_core::OrphanablePtr<grpc_core::Resolver> MakeWrappingResolver(
    grpc_core::ResolverArgs args, absl::string_view target);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_WRAPPING_RESOLVER_H_
