// The lists of endpoints that `mb resolve` prints, and what changes between
// them.
#ifndef MULTI_BACKEND_TOOLS_MB_RESOLVE_RESOLUTION_H_
#define MULTI_BACKEND_TOOLS_MB_RESOLVE_RESOLUTION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tools/mb/output/report.pb.h"

namespace multi_backend {
namespace mb {

// `target`: without passwords.  `added`, `removed` and `changed` are left
// empty.  Pure and thread-safe, as all functions here.
v1::Resolution MakeResolution(absl::string_view target, absl::Time time,
                              const EndpointList& endpoints);

// Of a target that has given no list; or no newer one.
v1::Resolution MakeFailure(absl::string_view target, absl::Time time,
                           const absl::Status& error);

// Sets in `newer` the addresses that came, went, or have other attributes since
// `older`.
void SetChanges(const v1::Resolution& older, v1::Resolution& newer);

// A line with the time and the number of endpoints, and a table of them.
// Printable.
std::string FormatResolution(const v1::Resolution& resolution);

// What SetChanges() has found: a line with the time and the numbers, and a line
// for each endpoint that begins with "+", "-" or "~"; or the error.  Printable.
std::string FormatChanges(const v1::Resolution& resolution);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_RESOLVE_RESOLUTION_H_
