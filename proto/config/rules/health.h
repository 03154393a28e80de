// Health message -> HealthConfig, with every rule that its shape cannot say.
// Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RULES_HEALTH_H_
#define MULTI_BACKEND_PROTO_CONFIG_RULES_HEALTH_H_

#include "multi_backend/proto/config.pb.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

// The result is to be used only when no error was added.
HealthConfig ReadHealth(const config::v1::Health& health, FieldErrors* errors);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RULES_HEALTH_H_
