// HealthCheckedEndpointGroup: the endpoints of another group that answer.
//
//   auto healthy = HealthCheckedEndpointGroup(
//       std::move(group), MakeGrpcProbeFactory(creds, config), {config});
//   healthy->AwaitInitialEndpoints(absl::Seconds(5));
//
// Each endpoint is probed by itself (see probes/prober.h), for the first time
// within 100 ms.  A new one counts as healthy with its first successful probe.
// With config.unhealthy_after failures in a row an endpoint is unhealthy, and
// then it takes config.healthy_after successes in a row to be healthy (again).
// An endpoint that stays in a new list keeps its state; one of the same place
// whose weight, role or labels change is shown as it is now.  Order is that of
// the inner list.
//
// When the last healthy endpoint falls ill, the list is as `when_all_unhealthy`
// says.  Default: the last healthy ones stay (those that the inner list still
// has).  Their probes have most often failed for a reason on this side, such as
// the network or the probe itself; and a channel that keeps its backends comes
// back with them, while an empty list closes its connections and is ignored by
// gRPC anyway (a resolver's empty answer keeps the last good one).  Armeria
// publishes the empty list, which suits OrElse(healthy, stand_by): choose
// kPublishEmpty for that.  The state is told in last_error() either way.
//
// Close() closes the inner group too; destroying it does not.  Both end all
// probes.  RequestRefresh() goes to the inner group.
#ifndef MULTI_BACKEND_HEALTH_HEALTH_CHECKED_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_HEALTH_HEALTH_CHECKED_ENDPOINT_GROUP_H_

#include <cstdint>
#include <memory>

#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/timers/timers.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

enum class WhenAllUnhealthy { kKeepLast, kPublishEmpty };

struct HealthCheckedOptions {
  ActiveHealthConfig config;  // Interval, timeout and the two thresholds.
  WhenAllUnhealthy when_all_unhealthy = WhenAllUnhealthy::kKeepLast;
  std::shared_ptr<Timers> timers;  // Null = TimerQueue::Shared().
  uint64_t seed = 0;               // Of the probes' times; 0 = a random one.
};

// Neither `group` nor `factory` may be null.
std::shared_ptr<EndpointGroup> HealthCheckedEndpointGroup(
    std::shared_ptr<EndpointGroup> group,
    std::shared_ptr<const ProbeFactory> factory,
    HealthCheckedOptions options = {});

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_HEALTH_CHECKED_ENDPOINT_GROUP_H_
