// What a JSON object of a discovery store says of an endpoint beside its
// address:
//
//   {"weight":2000,"role":"replica","zone":"eu","priority":1,
//    "labels":{"version":"7"}}
//
// Each may be missing or null; other members are left out.  Pure and
// thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_ATTRIBUTES_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_ATTRIBUTES_H_

#include <string>

#include "absl/status/status.h"
#include "multi_backend/proto/json/object.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// INVALID_ARGUMENT: "weight: must be 0..1000000".
absl::Status ReadEndpointAttributes(const JsonObject& object,
                                    Endpoint& endpoint);

// The object, without what has its default; "null" when nothing is left.
std::string FormatEndpointAttributes(const Endpoint& endpoint);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_ATTRIBUTES_H_
