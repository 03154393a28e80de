// Routing message -> RoutingConfig, with every rule that its shape cannot say.
// Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RULES_ROUTING_H_
#define MULTI_BACKEND_PROTO_CONFIG_RULES_ROUTING_H_

#include "multi_backend/proto/config.pb.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

// The result is to be used only when no error was added.
RoutingConfig ReadRouting(const config::v1::Routing& routing,
                          FieldErrors* errors);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RULES_ROUTING_H_
