// The oracle for resolver/file/endpoint_document.h.  It uses protobuf's own
// JSON reader and the generated message of proto/endpoints.proto, so it is
// slow, and it is right by the definition of the schema.  Pure and thread-safe.
//
// Later releases of protobuf read null in a list and numbers in strings in
// other ways than 3.21.  A document means the same with all of them, because
// the library has a reader of its own, so only 3.21 is the oracle.
#ifndef MULTI_BACKEND_TESTS_TESTING_ENDPOINT_DOCUMENT_ORACLE_H_
#define MULTI_BACKEND_TESTS_TESTING_ENDPOINT_DOCUMENT_ORACLE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/stubs/common.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

constexpr bool kProtobufIsTheOracle = GOOGLE_PROTOBUF_VERSION < 4000000;

// Like ParseEndpointDocument(), for text that is JSON.  The texts of errors
// differ.
absl::StatusOr<AdmittedEndpoints> ReadEndpointsByProtobuf(
    absl::string_view json, const EndpointPolicy& policy);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_ENDPOINT_DOCUMENT_ORACLE_H_
