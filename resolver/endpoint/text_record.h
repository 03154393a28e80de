// Text records: one endpoint in one line of text, as in a DNS TXT record.
//
//   host:port [attribute=value …]
//
//   10.0.0.1:50051 weight=2000 role=primary zone=eu priority=1 label.version=7
//
// Words are separated by spaces or tabs.  There is no quoting, so a value
// cannot contain them.  Attributes, each at most once, in any order:
//   weight=N      share of calls, 0 (drain) to 1000000; default 1000
//   role=NAME     as routes name it; default none
//   zone=TEXT     default none
//   priority=N    for PRIMARY, smaller is better, a 32 bit integer; default 0
//   label.NAME=TEXT
// Other attributes are ignored, so that a newer record can be rolled out before
// a newer library.  Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_TEXT_RECORD_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_TEXT_RECORD_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// INVALID_ARGUMENT says what is wrong: "weight \"x\": must be 0..1000000".
absl::StatusOr<Endpoint> ParseTextRecord(absl::string_view record);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_TEXT_RECORD_H_
