// EventReporter: a policy's own events into its pool's ring, and the ring's
// events into the channel's trace (channelz).
//
// Everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_EVENT_REPORTER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_EVENT_REPORTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/balancer_node.h"
#include "multi_backend/lb_policy/pool_events.h"
#include "multi_backend/lb_policy/steady_clock.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class EventReporter {
 public:
  using Helper = grpc_core::LoadBalancingPolicy::ChannelControlHelper;

  explicit EventReporter(std::shared_ptr<PoolEvents> events)
      : events_(std::move(events)) {}

  void Report(PoolEvent::Kind kind, std::string who, std::string from,
              std::string to, std::string reason) {
    PoolEvent event;
    event.time = SteadyNow();
    event.kind = kind;
    event.who = std::move(who);
    event.from = std::move(from);
    event.to = std::move(to);
    event.reason = std::move(reason);
    events_->Add(std::move(event));
  }
  void Report(const BalancerNode& room, const Backlog::StateChange& change) {
    Report(PoolEvent::Kind::kBacklog, room.path(),
           std::string(Backlog::StateName(change.from)),
           std::string(Backlog::StateName(change.to)), change.reason);
  }

  // Those that are new since the last call.
  void Trace(Helper& helper) {
    for (const PoolEvent& event : events_->After(traced_)) {
      traced_ = event.sequence;
      helper.AddTraceEvent(Helper::TRACE_INFO,
                           absl::StrCat("multi_backend: ", event.ToString()));
    }
  }

 private:
  const std::shared_ptr<PoolEvents> events_;
  uint64_t traced_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_EVENT_REPORTER_H_
