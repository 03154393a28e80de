// Overlay: the configuration's `backends` and a list of endpoints.
//
// Addresses are compared by Endpoint::key().  Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_BACKEND_OVERRIDES_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_BACKEND_OVERRIDES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// Lays what each entry states (weight, role, zone, priority) over the endpoints
// with its address; labels are added, an entry's value replaces an endpoint's.
// An entry without an endpoint (or with a text that is no address: the
// configuration's validation refuses those) changes nothing; of two entries for
// one address the later one wins.  O(endpoints + backends).
EndpointList ApplyBackendConfigs(EndpointList endpoints,
                                 const std::vector<BackendConfig>& backends);

// The entries themselves as endpoints, in order, for the target `static:///`.
// INVALID_ARGUMENT for none, a bad address (named by its field path), or the
// same address twice.
absl::StatusOr<EndpointList> EndpointsOfBackendConfigs(
    const std::vector<BackendConfig>& backends);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_BACKEND_OVERRIDES_H_
