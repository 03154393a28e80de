// Union: several groups as one.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_UNION_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_UNION_ENDPOINT_GROUP_H_

#include <memory>
#include <vector>

#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

// A group that has the endpoints of all `groups`, in their order; an address
// that several have (compared by Endpoint::key()) is there once, as the first
// of them has it.  Groups that know no list yet are left out until they do.
//
// Close() closes all of them; destroying it closes none.  RequestRefresh() goes
// to all.  last_error() is that of the first group that has one; Describe()
// shows all with their last errors.  Its names are configured when those of all
// are.  No group may be null.  Cost of a change: O(endpoints of all).
std::shared_ptr<EndpointGroup> Union(
    std::vector<std::shared_ptr<EndpointGroup>> groups);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_UNION_ENDPOINT_GROUP_H_
