// TCP probes: a backend is healthy when its port accepts a connection.
//
// Each probe opens a connection and closes it.  It sends nothing, so a server
// need not know about probes.  config.port, if set, replaces the port of the
// address.  A host name that has not been resolved yet is resolved for each
// probe.
//
// Cost: one thread per process for all TCP probes (connect_thread.h), which
// sleeps while no probe is under way.
//
// Threads: as probe.h says; `done` runs on that thread, which ends with the
// last probe.
#ifndef MULTI_BACKEND_HEALTH_PROBES_TCP_PROBE_H_
#define MULTI_BACKEND_HEALTH_PROBES_TCP_PROBE_H_

#include <memory>

#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// Uses only `port` of `config`.
std::unique_ptr<ProbeFactory> MakeTcpProbeFactory(
    const ActiveHealthConfig& config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_TCP_PROBE_H_
