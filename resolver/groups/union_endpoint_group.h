// Union: the endpoints of several groups in one group.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_UNION_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_UNION_ENDPOINT_GROUP_H_

#include <memory>
#include <vector>

#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

// Returns a group that has the endpoints of all `groups`, in their order.  Of
// the endpoints with the same Endpoint::key() only the first is kept.  A group
// that knows no list yet is left out until it does.
//
// Close() closes all groups; the destructor closes none.  RequestRefresh() goes
// to all.  last_error() is that of the first group that has one.  Describe()
// shows all groups with their last errors.  names_are_configured() requires it
// of all.  No group may be null.  Cost of a change: O(endpoints of all groups).
std::shared_ptr<EndpointGroup> Union(
    std::vector<std::shared_ptr<EndpointGroup>> groups);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_UNION_ENDPOINT_GROUP_H_
