// Turns the JSON of a service config into a validated Config.
//
// All errors are collected, each with its field path, in the form of gRPC's own
// ValidationErrors:
//   errors validating multi_backend config: [field:failover.maxRetries
//   error:must be from 0 to 4; field:routes[2].match.method error:missing ): (]
// Fields are sorted by path, and several errors of one field are written as
// `errors:[a; b]`.  After 100 fields the text only says how many more there
// are.  Paths are relative to the value of `multi_backend` or `multiBackend`.
// A text that is no JSON gives one error instead:
//   multi_backend config is not valid JSON: line 3, column 7: expected ':'
//
// Pure and thread-safe.
#ifndef MULTI_BACKEND_PROTO_CONFIG_PARSER_PARSER_H_
#define MULTI_BACKEND_PROTO_CONFIG_PARSER_PARSER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/config/lint/lint.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

struct ParsedConfig {
  Config config;
  std::vector<LintWarning> warnings;
  // Whether a warning is about a retryPolicy with a backoff below
  // kLeastBackoff.
  bool has_short_backoff = false;
};

struct ParseOptions {
  // Report unknown fields under our two keys as errors (run time ignores them,
  // so that a newer configuration can be rolled out before a newer library).
  bool strict = false;
};

// Parses our two parts of a whole service config,
// `loadBalancingConfig[].multi_backend` and the top-level `multiBackend`; an
// absent part has its defaults.  Of gRPC's own parts only the order of
// policies, the time-outs and backoffs of methods and the presence of
// retryThrottling are read, for warnings.  INVALID_ARGUMENT on errors.
absl::StatusOr<ParsedConfig> ParseServiceConfig(
    absl::string_view json, const ParseOptions& options = {});

// As above, and leaves the errors in `errors`, one by one.  A text that is no
// JSON object has none there; only the status tells.
absl::StatusOr<ParsedConfig> ParseServiceConfig(absl::string_view json,
                                                const ParseOptions& options,
                                                FieldErrors& errors);

// Parses the value of one `multi_backend` entry, which is what gRPC hands to
// the LB policy factory.
absl::StatusOr<PolicyConfig> ParsePolicyConfig(
    absl::string_view json, const ParseOptions& options = {});

// `warnings` joined as "field:… warning:…; …"; "" for none.
std::string FormatWarnings(const std::vector<LintWarning>& warnings);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_PARSER_PARSER_H_
