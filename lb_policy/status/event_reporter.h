// EventReporter: adds a policy's own events to the ring of its pool, and passes
// the ring's events on: to the channel's trace, to the log and to the sinks.
//
// Threads: the caller serialises the calls.
#ifndef MULTI_BACKEND_LB_POLICY_STATUS_EVENT_REPORTER_H_
#define MULTI_BACKEND_LB_POLICY_STATUS_EVENT_REPORTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/lb_policy/status/sink_reporter.h"

namespace multi_backend {

class EventReporter {
 public:
  // Events from before the channel was made are not the channel's.
  EventReporter(std::shared_ptr<PoolEvents> events, SinkReporter sinks)
      : events_(std::move(events)),
        sinks_(std::move(sinks)),
        passed_on_(events_->newest()) {}

  // Whether PassOn() should follow each event soon.
  bool has_sinks() const { return !sinks_.empty(); }

  // `name`: of the backend, if the event is about one.
  void Report(PoolEvent::Kind kind, std::string who, std::string from,
              std::string to, std::string reason, std::string name = "");
  void Report(const std::vector<PickPlan::BacklogChange>& changes);

  // Reports which balancers have entered or left panic.  `panicking` holds the
  // paths of those in panic, with fewer than `percent` % of backends usable.
  void ReportPanic(std::vector<std::string> panicking, int percent);

  // Passes the events since the last call to `trace`, with whether the text is
  // for the log, too: once for all channels that share the pool.  The sinks get
  // those that are about a backend of `entries`.
  void PassOn(const std::vector<PlanEntry>& entries,
              absl::FunctionRef<void(const std::string& text, bool log)> trace);

 private:
  void ReportToSinks(const std::vector<PoolEvent>& events,
                     const std::vector<PlanEntry>& entries) const;

  const std::shared_ptr<PoolEvents> events_;
  const SinkReporter sinks_;
  std::vector<std::string> panicking_;
  uint64_t passed_on_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STATUS_EVENT_REPORTER_H_
