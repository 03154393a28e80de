#include "multi_backend/lb_policy/status/plan_status.h"

#include <algorithm>
#include <tuple>

#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/waiting/backlog.h"

namespace multi_backend {
namespace {

// The reasons for which a strategy passes a backend over until something
// happens to it; the others come and go with the calls.
constexpr uint32_t kOutOfUse =
    kMarkedUnhealthy | kUnhealthy | kOnTrial | kDraining;

const char* LinkName(LinkState link) {
  switch (link) {
    case LinkState::kConnecting:
      return "CONNECTING";
    case LinkState::kReady:
      return "READY";
    case LinkState::kFailed:
      return "FAILED";
  }
  return "";
}

BackendStatus StatusOf(BackendSnapshot snapshot) {
  BackendStatus status;
  status.address = std::move(snapshot.address);
  status.name = std::move(snapshot.name);
  status.role = std::move(snapshot.role);
  status.zone = std::move(snapshot.zone);
  status.weight = snapshot.weight;
  status.draining = snapshot.draining;
  status.drained = snapshot.drained;
  status.state = std::string(StateName(snapshot.state));
  status.absent = snapshot.absent;
  status.reason = std::move(snapshot.reason);
  status.since = snapshot.since;
  status.in_flight = snapshot.in_flight;
  status.calls = snapshot.calls;
  status.failures = snapshot.failures;
  status.retries_landed = snapshot.retries_landed;
  status.ejections = snapshot.ejections;
  status.probes_passed = snapshot.probes_passed;
  status.probes_failed = snapshot.probes_failed;
  status.last_probe = std::move(snapshot.last_probe);
  return status;
}

BackendStatus StatusOf(const PlanEntry& entry, int connections) {
  const Backend& backend = entry.backend();
  BackendStatus status = StatusOf(SnapshotOf(backend, entry.endpoint.get()));
  status.link = LinkName(entry.link);
  if (entry.link == LinkState::kFailed) status.link_error = entry.error;
  status.connections = connections;
  if (entry.link == LinkState::kReady &&
      (backend.load.unusable_reasons.load() & kOutOfUse) == 0) {
    status.effective_weight = status.weight * backend.health.ramp_share();
  }
  return status;
}

BalancerStatus StatusOf(const BalancerNode& node) {
  BalancerStatus status;
  status.path = node.path();
  status.strategy = std::string(StrategyName(node.kind()));
  status.panic = node.in_panic();
  status.has_backlog = node.has_own_backlog();
  if (status.has_backlog) {
    const Backlog::Glance backlog = node.backlog()->glance();
    status.backlog_state = std::string(Backlog::StateName(backlog.state));
    status.waiting = backlog.waiting;
    status.limit = backlog.limit;
  }
  return status;
}

}  // namespace

void PlanStatus::WriteTo(ChannelStatus& status) const {
  status.state = args_.state;
  if (args_.plan != nullptr) {
    const std::vector<PlanEntry>& entries = args_.plan->entries();
    for (size_t i = 0; i < entries.size(); ++i) {
      status.backends.push_back(StatusOf(entries[i], args_.connections[i]));
    }
    args_.plan->ForEachNode([&status](const BalancerNode& node) {
      status.balancers.push_back(StatusOf(node));
    });
  }
  for (BackendSnapshot& absent : args_.pool->GetAbsentBackends()) {
    status.backends.push_back(StatusOf(std::move(absent)));
  }
  std::sort(status.backends.begin(), status.backends.end(),
            [](const BackendStatus& a, const BackendStatus& b) {
              return std::tie(a.address, a.name) < std::tie(b.address, b.name);
            });
}

}  // namespace multi_backend
