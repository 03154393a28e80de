// Validate(): what is wrong with a service config, and what is probably not
// meant.
#ifndef MULTI_BACKEND_TOOLS_MB_CONFIG_VALIDATE_H_
#define MULTI_BACKEND_TOOLS_MB_CONFIG_VALIDATE_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "multi_backend/tools/mb/output/report.pb.h"

namespace multi_backend {
namespace mb {

struct ValidateOptions {
  // Unknown keys are errors, as are all warnings for the exit code.
  bool strict = false;
};

// Finds, in this order:
//  * errors of the library's two parts, by field, as a channel would refuse
//    them; keys that it does not know are warnings, since a channel ignores
//    them, or errors with `strict`;
//  * when there are none, what `grpc_check` finds in gRPC's own parts: it
//    returns "" or why gRPC refuses the service config;
//  * warnings: unknown keys beside gRPC's own, and those of the library's lint.
// `file`: the name for the report.  Pure, but for `grpc_check`.
v1::Validation Validate(
    absl::string_view file, const std::string& json,
    const ValidateOptions& options,
    absl::FunctionRef<std::string(const std::string& json)> grpc_check);

// One line for each finding, "users.json: error: failover.maxRetries: must be
// from 0 to 4", and one for the sum.  Printable.
std::string FormatValidation(const v1::Validation& validation);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_CONFIG_VALIDATE_H_
