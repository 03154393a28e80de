// Turns the Health message into a HealthConfig and checks every rule that the
// schema cannot express.  Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RULES_HEALTH_H_
#define MULTI_BACKEND_PROTO_CONFIG_RULES_HEALTH_H_

#include "multi_backend/proto/config.pb.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

// Use the result only when no error was added.
HealthConfig ReadHealth(const config::v1::Health& health, FieldErrors* errors);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RULES_HEALTH_H_
