// OrElse: a group with another one that stands in while the first has no
// endpoints.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_FALLBACK_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_FALLBACK_ENDPOINT_GROUP_H_

#include <memory>

#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

// Returns a group that has the endpoints of `first`, or those of `fallback`
// while `first` has none or does not know them yet.  A change of either causes
// at most one change of the result; the two lists are never mixed.
//
// Close() closes both groups; the destructor closes neither.  RequestRefresh()
// goes to both.  last_error() is that of `first`, or, when `first` has neither
// an error nor endpoints, that of `fallback`.  Describe() shows both groups
// with their last errors.  names_are_configured() requires it of both.  Neither
// argument may be null.
std::shared_ptr<EndpointGroup> OrElse(std::shared_ptr<EndpointGroup> first,
                                      std::shared_ptr<EndpointGroup> fallback);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_FALLBACK_ENDPOINT_GROUP_H_
