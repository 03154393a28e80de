// The configuration's `backends` as overrides of a discovered list of
// endpoints, and as a list of their own.
//
// Addresses are compared by Endpoint::key().  Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_BACKEND_OVERRIDES_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_BACKEND_OVERRIDES_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// Gives each endpoint what the entry with its address states: weight, role,
// zone and priority replace the endpoint's, and labels are added to its labels
// or replace those of the same name.  An entry whose address no endpoint has
// changes nothing; neither does one with a malformed address, which validation
// refuses anyway.  Of two entries for one address the later one wins.
// Cost: O(endpoints + backends).
EndpointList ApplyBackendConfigs(EndpointList endpoints,
                                 const std::vector<BackendConfig>& backends);

// The connection pools of the entries that have one of their own, by the
// Endpoint::key() of the entry's address.
using BackendPoolConfigs =
    absl::flat_hash_map<std::string, ConnectionPoolConfig>;
BackendPoolConfigs PoolsOfBackendConfigs(
    const std::vector<BackendConfig>& backends);

// The entries as endpoints, in their order, for the target `static:///`.
// INVALID_ARGUMENT when there is none, for a malformed address (named by its
// field path), and for the same address twice.
absl::StatusOr<EndpointList> EndpointsOfBackendConfigs(
    const std::vector<BackendConfig>& backends);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_BACKEND_OVERRIDES_H_
