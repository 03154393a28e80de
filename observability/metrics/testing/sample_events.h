// Events and a channel that give each metric at least one series.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_TESTING_SAMPLE_EVENTS_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_TESTING_SAMPLE_EVENTS_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "multi_backend/observability/metrics_sink.h"
#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {

inline AttemptEnded SampleAttempt(absl::string_view backend) {
  AttemptEnded attempt;
  attempt.target = Label("dns:///users");
  attempt.method = Label("/acme.Users/GetUser");
  attempt.backend = Label(backend);
  attempt.role = Label("replica");
  attempt.latency_nanos = 3'000'000;
  return attempt;
}

// Tells `sink` of each kind of event.  `backend` must outlive the call only.
inline void SendSampleEvents(absl::string_view backend, MetricsSink* sink) {
  AttemptEnded attempt = SampleAttempt(backend);
  attempt.retried = Retried::kDifferentBackend;
  sink->OnAttemptEnded(attempt);
  CallEnded call;
  call.target = attempt.target;
  call.method = attempt.method;
  call.route = Label("reads");
  call.latency_nanos = 5'000'000;
  call.waited_in_pick_nanos = 1'000'000;
  call.last_step = NextStep::kNoOtherBackend;
  sink->OnCallEnded(call);
  StateChanged change;
  change.target = attempt.target;
  change.backend = attempt.backend;
  change.from = "ALIVE";
  change.to = "DOWN";
  change.ejection = Ejection::kFailedCalls;
  sink->OnStateChanged(change);
}

// A channel in a state that every gauge tells something of.
inline std::shared_ptr<FixedChannel> SampleChannel(const std::string& backend) {
  auto channel = std::make_shared<FixedChannel>("dns:///users");
  ChannelStatus status;
  status.target = "dns:///users";
  BackendStatus listed;
  listed.name = listed.address = backend;
  listed.state = "DOWN";
  listed.probes_passed = 3;
  status.backends.push_back(listed);
  BalancerStatus root;
  root.path = "root";
  root.has_backlog = true;
  status.balancers.push_back(root);
  RouteStatus route;
  route.name = "reads";
  status.routes.push_back(route);
  status.resolver.updates = 1;
  status.resolver.last_success = absl::UnixEpoch() + absl::Seconds(1);
  channel->Set(status);
  return channel;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_TESTING_SAMPLE_EVENTS_H_
