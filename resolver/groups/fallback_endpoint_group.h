// OrElse: one group, and another for while the first has no endpoints.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_FALLBACK_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_FALLBACK_ENDPOINT_GROUP_H_

#include <memory>

#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

// A group that has the endpoints of `first`, or those of `fallback` while
// `first` has none (also before `first` knows any).  Each change of either is
// at most one change of it; the two lists are never mixed.
//
// Close() closes both; destroying it closes neither.  RequestRefresh() goes to
// both.  last_error() is that of `first`, else, while it is in use, that of
// `fallback`; Describe() shows both groups with their last errors.  Its names
// are configured when those of both are. Neither argument may be null.
std::shared_ptr<EndpointGroup> OrElse(std::shared_ptr<EndpointGroup> first,
                                      std::shared_ptr<EndpointGroup> fallback);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_FALLBACK_ENDPOINT_GROUP_H_
