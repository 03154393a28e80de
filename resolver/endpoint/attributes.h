// The attributes that a JSON object of a discovery store gives an endpoint, in
// addition to its address:
//
//   {"weight":2000,"role":"replica","zone":"eu","priority":1,
//    "labels":{"version":"7"}}
//
// Each may be absent or null; other members are ignored.  Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_ATTRIBUTES_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_ATTRIBUTES_H_

#include <string>

#include "absl/status/status.h"
#include "multi_backend/proto/json/object.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// Sets the fields of `endpoint` that the object has.  INVALID_ARGUMENT says
// what is wrong: "weight: must be 0..1000000".
absl::Status ReadEndpointAttributes(const JsonObject& object,
                                    Endpoint& endpoint);

// Writes the object, without the attributes that have their default; "null"
// when all have it.
std::string FormatEndpointAttributes(const Endpoint& endpoint);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_ATTRIBUTES_H_
