// Endpoint documents: the JSON of proto/endpoints.proto -> endpoints.
//
// Cost: about 30 ns a byte.  Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_DOCUMENT_H_
#define MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_DOCUMENT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

// What the document has and `policy` admits; refusals say "endpoints[3]".
//
// INVALID_ARGUMENT for a document that cannot be read: "line 3, column 7:
// expected ':'", or, for a field of another type, protobuf's own text, which
// names it ("(endpoints[2].weight): invalid value …").
// RESOURCE_EXHAUSTED for one that is larger, or has more endpoints, than the
// policy's limits.
absl::StatusOr<AdmittedEndpoints> ParseEndpointDocument(
    absl::string_view json, const EndpointPolicy& policy);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_DOCUMENT_H_
