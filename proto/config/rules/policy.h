// Turns the Policy message into a PolicyConfig and checks every rule that the
// schema cannot express.  Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RULES_POLICY_H_
#define MULTI_BACKEND_PROTO_CONFIG_RULES_POLICY_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/proto/config.pb.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

// Use the result only when no error was added.
PolicyConfig ReadPolicy(const config::v1::Policy& policy, FieldErrors* errors);

// "UNAVAILABLE"; "" for a number that is no status code.
absl::string_view StatusCodeName(absl::StatusCode code);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RULES_POLICY_H_
