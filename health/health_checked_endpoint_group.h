// HealthCheckedEndpointGroup: the endpoints of another group that answer their
// probes.
//
// It is in this room and not in resolver/groups, because it probes.
//
//   auto healthy = HealthCheckedEndpointGroup(
//       std::move(group), MakeGrpcProbeFactory(creds, config), {config});
//   healthy->AwaitInitialEndpoints(absl::Seconds(5));
//
// Health: each endpoint has a prober of its own (see probes/prober.h).  The
// first probes of new endpoints begin within 100 ms, or, of a long list, within
// 200 µs for each, but not later than the interval.  A new endpoint is healthy
// after its first successful probe.  After config.unhealthy_after failures in a
// row an endpoint is unhealthy, and then it needs config.healthy_after
// successes in a row to be healthy again.
//
// Lists: the order is that of the inner list.  An endpoint that is also in the
// next inner list keeps its state.  If only its weight, role or labels have
// changed, it keeps its state too, and is published with the new values.  An
// endpoint that has left the inner list is never published.
//
// When no endpoint is healthy, `when_all_unhealthy` decides what is published:
// - kKeepLastHealthy, the default, keeps the endpoints that were healthy last
//   and are still in the inner list.  If none of them is, for instance because
//   all addresses have changed at once, the whole inner list is published until
//   one of its endpoints is healthy.  The reason is that probes of all
//   endpoints mostly fail because of the client side, such as its network or
//   the probe itself.  A channel that keeps its backends recovers together with
//   them.  An empty list would close its connections, and gRPC ignores empty
//   results of a resolver anyway and keeps the last good one.
// - kPublishEmpty publishes the empty list, as Armeria does.  Use it for
//   OrElse(healthy, stand_by).
//
// In both cases last_error() says that no endpoint is healthy.
//
// Lifetime: Close() also closes the inner group; destroying the group does not.
// Both end all probes.  RequestRefresh() is passed on to the inner group.
//
// Threads: lists that a probe's result causes are published on a thread that
// this group starts for it.  So the callback of a watch may block without
// making the probes of the process late.
//
// Cost: O(1) for each probe result, and O(n) for a list.  Results that come
// close together share a list: lists are at least 20 µs for each endpoint
// apart.
#ifndef MULTI_BACKEND_HEALTH_HEALTH_CHECKED_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_HEALTH_HEALTH_CHECKED_ENDPOINT_GROUP_H_

#include <cstdint>
#include <memory>

#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/timers/timers.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

enum class WhenAllUnhealthy { kKeepLastHealthy, kPublishEmpty };

struct HealthCheckedOptions {
  ActiveHealthConfig config;  // Uses interval, timeout and thresholds.
  WhenAllUnhealthy when_all_unhealthy = WhenAllUnhealthy::kKeepLastHealthy;
  std::shared_ptr<Timers> timers;  // Null = TimerQueue::Shared().
  // Publishes lists.  Null = a queue with a thread of its own.
  std::shared_ptr<Timers> publisher;
  uint64_t seed = 0;  // For the times of probes; 0 = random.
};

// Requires that `group` and `factory` are not null.
std::shared_ptr<EndpointGroup> HealthCheckedEndpointGroup(
    std::shared_ptr<EndpointGroup> group,
    std::shared_ptr<const ProbeFactory> factory,
    HealthCheckedOptions options = {});

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_HEALTH_CHECKED_ENDPOINT_GROUP_H_
