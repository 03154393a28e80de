// Service config JSON -> validated Config.  Pure and thread-safe.
//
// Every error is collected and named by its field path, in the form of gRPC's
// own ValidationErrors:
//   errors validating multi_backend config: [field:failover.maxRetries
//   error:must be from 0 to 4; field:routes[2].match.method error:missing ): (]
// Fields are sorted by path; several errors of one field are
// `errors:[a; b]`; after 100 fields it says how many more there are.  Paths are
// relative to the value of `multi_backend` or `multiBackend`.  A text that is
// no JSON gives one error instead:
//   multi_backend config is not valid JSON: line 3, column 7: expected ':'
#ifndef MULTI_BACKEND_PROTO_CONFIG_PARSER_PARSER_H_
#define MULTI_BACKEND_PROTO_CONFIG_PARSER_PARSER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/config/lint/lint.h"

namespace multi_backend {

struct ParsedConfig {
  Config config;
  std::vector<LintWarning> warnings;
};

struct ParseOptions {
  // Report unknown fields under our two keys as errors (run time ignores them,
  // so that a newer configuration can be rolled out before a newer library).
  bool strict = false;
};

// Parses a whole service config: `loadBalancingConfig[].multi_backend` and the
// top-level `multiBackend`; either may be absent (defaults then), everything
// else is gRPC's own and not looked at.  INVALID_ARGUMENT on errors.
absl::StatusOr<ParsedConfig> ParseServiceConfig(
    absl::string_view json, const ParseOptions& options = {});

// Parses the value of one `multi_backend` entry alone (what gRPC hands to the
// LB policy factory); field paths are relative to it.
absl::StatusOr<PolicyConfig> ParsePolicyConfig(
    absl::string_view json, const ParseOptions& options = {});

// `warnings` joined as "field:… warning:…; …"; "" for none.
std::string FormatWarnings(const std::vector<LintWarning>& warnings);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_PARSER_PARSER_H_
