// EventReporter: adds a policy's own events to the ring of its pool, and copies
// the ring's events to the channel's trace (channelz).
//
// Threads: everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_EVENT_REPORTER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_EVENT_REPORTER_H_

#include <grpc/support/log.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/port/log.h"

namespace multi_backend {

class EventReporter {
 public:
  using Helper = grpc_core::LoadBalancingPolicy::ChannelControlHelper;

  // Events from before the channel was made do not belong in its trace.
  explicit EventReporter(std::shared_ptr<PoolEvents> events)
      : events_(std::move(events)), traced_(events_->newest()) {}

  void Report(PoolEvent::Kind kind, std::string who, std::string from,
              std::string to, std::string reason) {
    PoolEvent event;
    event.time = events_->time.Now();
    event.kind = kind;
    event.who = std::move(who);
    event.from = std::move(from);
    event.to = std::move(to);
    event.reason = std::move(reason);
    events_->Add(std::move(event));
  }
  void Report(const std::vector<PickPlan::BacklogChange>& changes) {
    for (const auto& [node, change] : changes) {
      Report(PoolEvent::Kind::kBacklog, node->path(),
             std::string(Backlog::StateName(change.from)),
             std::string(Backlog::StateName(change.to)), change.reason);
    }
  }

  // Reports which balancers have entered or left panic.  `panicking` holds the
  // paths of those in panic, with fewer than `percent` % of backends usable.
  void ReportPanic(std::vector<std::string> panicking, int percent) {
    for (const std::string& path : panicking) {
      if (absl::c_linear_search(panicking_, path)) continue;
      Report(PoolEvent::Kind::kPanic, path, "off", "on",
             absl::StrCat("fewer than ", percent, " % are usable"));
    }
    for (const std::string& path : panicking_) {
      if (absl::c_linear_search(panicking, path)) continue;
      Report(PoolEvent::Kind::kPanic, path, "on", "off",
             absl::StrCat(percent, " % are usable again"));
    }
    panicking_ = std::move(panicking);
  }

  // Traces the events since the last call.  Each also goes to the library's log
  // with severity INFO, once for all channels that share the pool.
  void Trace(Helper& helper) {
    for (const PoolEvent& event : events_->After(traced_)) {
      traced_ = event.sequence;
      const std::string text = event.ToString();
      helper.AddTraceEvent(Helper::TRACE_INFO,
                           absl::StrCat("multi_backend: ", text));
      if (events_->ClaimForLog(event.sequence)) {
        Log(LogSeverity::kInfo, text);
      }
    }
  }

 private:
  const std::shared_ptr<PoolEvents> events_;
  std::vector<std::string> panicking_;
  uint64_t traced_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_EVENT_REPORTER_H_
