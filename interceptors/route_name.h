// RouteName(): what people and metrics call a routing rule.
#ifndef MULTI_BACKEND_INTERCEPTORS_ROUTE_NAME_H_
#define MULTI_BACKEND_INTERCEPTORS_ROUTE_NAME_H_

#include <string>

#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// Returns the rule's patterns and its role: "Create.* -> primary",
// "users\.v1\..*/Get.* -> replica, else any", "* -> any".  Rules with the same
// patterns and roles have the same name.  Long patterns are cut, and bytes that
// are not printable ASCII become '?', because a discovered service config may
// have any text in it.  Pure.
std::string RouteName(const RouteConfig& rule);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_ROUTE_NAME_H_
