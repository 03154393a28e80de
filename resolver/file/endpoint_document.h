// Reads an endpoint document, the JSON of proto/endpoints.proto, and lets an
// EndpointPolicy choose the endpoints that are used.
//
//   auto admitted = ParseEndpointDocument(
//       R"({"endpoints":[{"address":"10.0.0.1:80"}]})", EndpointPolicy());
//   admitted->endpoints;  // 10.0.0.1:80
//
// A document that is no JSON, or has a field of another type than the schema
// says, is refused as a whole: the caller then keeps its last good list.  A
// single endpoint with a value out of bounds is left out, and the others are
// used.
//
// Fields have the forms of protobuf's JSON: an integer may also be written as
// 5.0, 5e0 or "5", null means the field's default, and unknown keys are ignored
// with whatever they hold.
//
// Cost: linear, about 2 us for an endpoint.  (protobuf's own reader takes about
// 8 us, which is most of the 100 ms that an update of 10,000 endpoints may
// cost.)  Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_DOCUMENT_H_
#define MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_DOCUMENT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

// The endpoints that the document lists and `policy` admits, in the document's
// order.  Refusals name an endpoint by its place, "endpoints[3]".
//
// INVALID_ARGUMENT for a document that cannot be read: "line 3, column 7:
// expected ':'", or "does not fit the schema (endpoints.proto):
// endpoints[2].weight: must be an integer".
// RESOURCE_EXHAUSTED for a document that is larger, or has more endpoints, than
// the policy's limits allow.
absl::StatusOr<AdmittedEndpoints> ParseEndpointDocument(
    absl::string_view json, const EndpointPolicy& policy);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_FILE_ENDPOINT_DOCUMENT_H_
