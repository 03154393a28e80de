// The oracle of resolver/file/endpoint_document.h: protobuf's own JSON reader
// and the generated message of proto/endpoints.proto.  Slow, and right by
// definition of the schema.  Pure and thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_ENDPOINT_DOCUMENT_ORACLE_H_
#define MULTI_BACKEND_TESTS_TESTING_ENDPOINT_DOCUMENT_ORACLE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

// As ParseEndpointDocument(), for text that is JSON; errors have other texts.
absl::StatusOr<AdmittedEndpoints> ReadEndpointsByProtobuf(
    absl::string_view json, const EndpointPolicy& policy);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_ENDPOINT_DOCUMENT_ORACLE_H_
