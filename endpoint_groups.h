// Lists of endpoints that an application makes, combines and registers:
//
//   auto group = multi_backend::StaticEndpointGroup::Make(
//       {multi_backend::Endpoint::Of("10.0.0.1", 50051)});
//   multi_backend::EndpointGroupRegistry::Register("users", *group);
//   auto channel = multi_backend::CreateChannel("group:///users", creds);
//
// Groups of DNS, ZooKeeper and etcd are in sources.h.
//
// API of this header: Endpoint, EndpointList, EndpointGroup,
// EndpointGroupRegistry, StrategyKind; StaticEndpointGroup; FileEndpointGroup
// with FileSourceOptions, EndpointPolicy, DiscoveryLimits and HostRule; OrElse;
// Union; HealthCheckedEndpointGroup with HealthCheckedOptions (except
// `timers` and `publisher`), ActiveHealthConfig and WhenAllUnhealthy, for the
// probes of probes.h.
#ifndef MULTI_BACKEND_ENDPOINT_GROUPS_H_
#define MULTI_BACKEND_ENDPOINT_GROUPS_H_

#include "multi_backend/health/health_checked_endpoint_group.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/file/endpoint_group.h"
#include "multi_backend/resolver/groups/endpoint_group.h"
#include "multi_backend/resolver/groups/fallback_endpoint_group.h"
#include "multi_backend/resolver/groups/registry.h"
#include "multi_backend/resolver/groups/static_endpoint_group.h"
#include "multi_backend/resolver/groups/union_endpoint_group.h"

#endif  // MULTI_BACKEND_ENDPOINT_GROUPS_H_
