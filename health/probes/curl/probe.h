// HTTP probes, by libcurl.
//
// GET of config.path over plain HTTP/1.1; only status 200 is healthy, redirects
// are not followed.  The Host header is the endpoint's host with the port that
// is asked.  The body is dropped; after 64 KiB of it the rest is not waited
// for.  config.port, when set, is asked instead of the address's own.
//
// Each probe opens a connection and closes it.  No proxy, whatever the
// environment says; no credentials, no cookies.
//
// Cost: one thread per process for all of them, which sleeps while nothing is
// asked; some 100 µs of CPU a probe.
//
// Threads: as health/probes/probe.h; `done` runs on that thread.  The last
// probe to go ends the thread.
#ifndef MULTI_BACKEND_HEALTH_PROBES_CURL_PROBE_H_
#define MULTI_BACKEND_HEALTH_PROBES_CURL_PROBE_H_

#include <memory>

#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// Uses the fields of `config` that are about HTTP.
std::unique_ptr<ProbeFactory> MakeHttpProbeFactory(
    const ActiveHealthConfig& config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_CURL_PROBE_H_
