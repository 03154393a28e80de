// Which LB policy core chooses for a service config.  Pure; reads core's
// registry of LB policies.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CHOSEN_POLICY_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CHOSEN_POLICY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

constexpr absl::string_view kLoadBalancingConfig = "loadBalancingConfig";
constexpr absl::string_view kLoadBalancingPolicy = "loadBalancingPolicy";

// The field `name` of `object`; null when there is no such field or `object` is
// not an object.
const grpc_core::Json* JsonField(const grpc_core::Json& object,
                                 absl::string_view name);

// The first policy of `loadBalancingConfig` that is registered with core, else
// `loadBalancingPolicy`; nullopt when the service config names neither.
absl::optional<std::string> PolicyChosenBy(
    const grpc_core::Json& service_config);

// The value of the entry `multi_backend` in `loadBalancingConfig`, also when
// core chooses another policy; null when there is none.
const grpc_core::Json* PolicyEntry(const grpc_core::Json& service_config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CHOSEN_POLICY_H_
