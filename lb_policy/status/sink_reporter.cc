#include "multi_backend/lb_policy/status/sink_reporter.h"

namespace multi_backend {
namespace {

StateChanged::Kind KindOf(PoolEvent::Kind kind) {
  switch (kind) {
    case PoolEvent::Kind::kState:
      return StateChanged::Kind::kBackend;
    case PoolEvent::Kind::kConnections:
      return StateChanged::Kind::kConnections;
    case PoolEvent::Kind::kBacklog:
      return StateChanged::Kind::kBacklog;
    case PoolEvent::Kind::kPanic:
      return StateChanged::Kind::kPanic;
    case PoolEvent::Kind::kDrain:
      return StateChanged::Kind::kDrain;
    case PoolEvent::Kind::kWeight:
      return StateChanged::Kind::kWeight;
    case PoolEvent::Kind::kReconnect:
      return StateChanged::Kind::kReconnect;
  }
  return StateChanged::Kind::kBackend;
}

Ejection EjectionOf(PoolEvent::Ejection ejection) {
  switch (ejection) {
    case PoolEvent::Ejection::kNone:
      return Ejection::kNone;
    case PoolEvent::Ejection::kFailedCalls:
      return Ejection::kFailedCalls;
    case PoolEvent::Ejection::kFailureRate:
      return Ejection::kFailureRate;
  }
  return Ejection::kNone;
}

}  // namespace

void SinkReporter::Report(const PoolEvent& event) const {
  StateChanged change;
  change.kind = KindOf(event.kind);
  change.target = Label(target_);
  change.backend = Label(event.name);
  change.who = event.who;
  change.from = event.from;
  change.to = event.to;
  change.reason = event.reason;
  change.asked_by = event.asked_by;
  change.ejection = EjectionOf(event.ejection);
  change.time = event.time;
  for (const std::shared_ptr<MetricsSink>& sink : sinks_) {
    sink->OnStateChanged(change);
  }
}

}  // namespace multi_backend
