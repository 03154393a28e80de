// Which LB policy core takes for a service config.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CHOSEN_POLICY_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CHOSEN_POLICY_H_

#include <string>

#include "absl/types/optional.h"
#include "multi_backend/proto/json/object.h"

namespace multi_backend {

// ChosenPolicy() with the policies that are registered with core.
absl::optional<std::string> PolicyChosenBy(const JsonObject& service_config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CHOSEN_POLICY_H_
