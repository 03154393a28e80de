// BackendSnapshot: the state of one backend at one moment.  A value.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_SNAPSHOT_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_SNAPSHOT_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "multi_backend/health/state/backend_state.h"

namespace multi_backend {

struct BackendSnapshot {
  std::string address;  // "ip:port".
  std::string name;     // The configured "host:port".
  std::string role;
  std::string zone;
  uint32_t weight = 0;  // As listed, or as SetWeight() says.
  // BackendPool::Drain() holds: the backend takes no calls, but for those whose
  // sticky key has not moved yet.  `drained`: the drain is done.
  bool draining = false;
  bool drained = false;
  BackendState state = BackendState::kAlive;
  // Whether the state is ALIVE or OVERLOADED and the backend is not absent.  A
  // draining backend can be healthy.
  bool healthy = true;
  // No channel lists the backend now, so it gets no calls.  The pool remembers
  // its state, in which it will be when a channel lists it again.
  bool absent = false;
  std::string reason;  // Why it is in this state; "" = it never changed.
  absl::Time since = absl::InfinitePast();  // When it entered this state.
  int64_t in_flight = 0;
  uint64_t calls = 0;  // Attempts started.
  uint64_t failures = 0;
  uint64_t retries_landed = 0;
  uint64_t ejections = 0;  // By failed calls and by failure rates.
  uint64_t probes_passed = 0;
  uint64_t probes_failed = 0;
  // "passed", or "failed: " and why; "" before the first probe.
  std::string last_probe;
};

class Backend;
struct Endpoint;

// Of a backend that a channel lists.  `endpoint` is what discovery says, or
// null.  Takes no lock that a call waits for, unless that call changes the
// backend's state.
BackendSnapshot SnapshotOf(const Backend& backend, const Endpoint* endpoint);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_SNAPSHOT_H_
