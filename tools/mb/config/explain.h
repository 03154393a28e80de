// Explain(): what a configuration makes of one call, and why.
#ifndef MULTI_BACKEND_TOOLS_MB_CONFIG_EXPLAIN_H_
#define MULTI_BACKEND_TOOLS_MB_CONFIG_EXPLAIN_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tools/mb/output/report.pb.h"

namespace multi_backend {
namespace mb {

struct ExplainedCall {
  std::string method;                          // "/package.Service/Method".
  std::map<std::string, std::string> headers;  // Keys in lower case.
  // The sticky key, where a header does not give it.
  absl::optional<std::string> key;
};

// INVALID_ARGUMENT for a text that is not "/package.Service/Method".
absl::Status CheckMethodPath(absl::string_view method);

// `service_config` is the JSON of the whole service config.  `endpoints` is
// what discovery gives; without any, the `backends` of the configuration are
// the list, as with the target `static:///`.
//
// INVALID_ARGUMENT when the configuration has errors, which it names, and as
// CheckMethodPath().
absl::StatusOr<v1::Explanation> Explain(const std::string& service_config,
                                        const EndpointList& endpoints,
                                        const ExplainedCall& call);

// Printable, several lines.
std::string FormatExplanation(const v1::Explanation& explanation);

// The list of `--backends`: "host:port,host:port".  INVALID_ARGUMENT says what
// is wrong with it.
absl::StatusOr<EndpointList> ParseBackendList(absl::string_view list);

// The list of a document as `file:` targets read it.  INVALID_ARGUMENT when it
// cannot be read, and when an endpoint of it would be left out.
absl::StatusOr<EndpointList> ParseBackendDocument(absl::string_view json);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_CONFIG_EXPLAIN_H_
