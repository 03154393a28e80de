#include "multi_backend/lb_policy/backends/snapshot.h"

#include <utility>

#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

BackendSnapshot SnapshotOf(const Backend& backend, const Endpoint* endpoint) {
  BackendSnapshot snapshot;
  snapshot.address = backend.address();
  snapshot.name = backend.name();
  if (endpoint != nullptr) {
    snapshot.role = endpoint->role;
    snapshot.zone = endpoint->zone;
  }
  snapshot.weight =
      backend.control.WeightOr(endpoint == nullptr ? 0 : endpoint->weight);
  const BackendControl::Drain drain = backend.control.drain();
  snapshot.draining = drain != BackendControl::Drain::kNone;
  snapshot.drained = drain == BackendControl::Drain::kDrained;
  BackendHealth::View view = backend.health.view();
  snapshot.state = view.state;
  snapshot.healthy = view.state == BackendState::kAlive ||
                     view.state == BackendState::kOverloaded;
  snapshot.reason = std::move(view.reason);
  snapshot.since = view.since;
  snapshot.in_flight = backend.load.in_flight.load(std::memory_order_relaxed);
  snapshot.calls = backend.calls.load(std::memory_order_relaxed);
  snapshot.failures = backend.failures.load(std::memory_order_relaxed);
  snapshot.retries_landed =
      backend.retries_landed.load(std::memory_order_relaxed);
  snapshot.ejections = backend.health.ejections();
  const ProbeLog::Numbers probes = backend.probes.numbers();
  snapshot.probes_passed = probes.passed;
  snapshot.probes_failed = probes.failed;
  snapshot.last_probe = probes.last;
  return snapshot;
}

}  // namespace multi_backend
