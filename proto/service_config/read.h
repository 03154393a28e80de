// What this library reads of a whole service config: which LB policy is chosen,
// and whether there are routes.
//
// Nothing here checks gRPC's own parts.  A part with another shape than gRPC
// expects counts as absent, and gRPC's parser reports it.
//
// Pure and thread-safe.  Cost: linear in the parts that are looked at.
#ifndef MULTI_BACKEND_PROTO_SERVICE_CONFIG_READ_H_
#define MULTI_BACKEND_PROTO_SERVICE_CONFIG_READ_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/json/object.h"

namespace multi_backend {

constexpr absl::string_view kLoadBalancingConfig = "loadBalancingConfig";
constexpr absl::string_view kLoadBalancingPolicy = "loadBalancingPolicy";
constexpr absl::string_view kMethodConfig = "methodConfig";

// Reads a service config as deeply nested as gRPC reads it.  The result is a
// view of `text`.  INVALID_ARGUMENT "service config is not valid JSON: line 3,
// column 7: …" or "service config is not a JSON object".
absl::StatusOr<JsonObject> ReadServiceConfig(absl::string_view text);

// Whether gRPC has an LB policy of that name.
using HasPolicy = absl::FunctionRef<bool(absl::string_view name)>;

// The policy that gRPC takes: the first one of `loadBalancingConfig` that it
// has, else `loadBalancingPolicy`; nullopt when the service config names
// neither.
absl::optional<std::string> ChosenPolicy(const JsonObject& service_config,
                                         HasPolicy has_policy);

// The value of the entry `multi_backend` in `loadBalancingConfig`, also when
// gRPC takes another policy; absent when there is none.
JsonValue PolicyEntry(const JsonObject& service_config);

// Whether the service config leaves it to others to choose `multi_backend`: it
// has no `loadBalancingConfig`, and `loadBalancingPolicy` names no other
// policy.
bool LeavesPolicyOpen(const JsonObject& service_config);

// Whether the service config has routes or a sticky key.
bool HasRouting(const JsonObject& service_config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_SERVICE_CONFIG_READ_H_
