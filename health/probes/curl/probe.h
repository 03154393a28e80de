// HTTP and HTTPS probes, by libcurl.
//
// A probe sends a GET of config.path by HTTP/1.1.  Only status 200 is healthy;
// redirects are not followed.  The Host header is the endpoint's host with the
// port that is asked.  The body is dropped, and after 64 KiB of it the rest is
// not waited for.  config.port, if set, replaces the port of the address.
//
// Each probe opens a connection and closes it.  It uses no proxy, whatever the
// environment says, no credentials and no cookies.  Programs that the process
// starts do not inherit the connections.  They may inherit a pair of sockets of
// libcurl's own, by which it wakes its thread and which lead nowhere.
//
// Cost: one thread per process for all these probes, which sleeps while no
// probe is under way; about 100 µs of CPU for each probe, and a handshake for
// HTTPS.
//
// Threads: as probe.h in health/probes says; `done` runs on that thread, which
// ends with the last probe.
#ifndef MULTI_BACKEND_HEALTH_PROBES_CURL_PROBE_H_
#define MULTI_BACKEND_HEALTH_PROBES_CURL_PROBE_H_

#include <memory>
#include <string>

#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// Uses the fields of `config` that are about HTTP.
std::unique_ptr<ProbeFactory> MakeHttpProbeFactory(
    const ActiveHealthConfig& config);

struct HttpsProbeOptions {
  // A PEM file with the certificates of the authorities to trust.  "" = those
  // of libcurl, which are mostly the system's.
  std::string ca_file;
  // The name in the server's certificate, also for SNI.  "" = the host of the
  // endpoint.  Set it when endpoints are discovered: whoever can write a record
  // must not choose the name.
  std::string server_name;
  // Whether the certificate must be signed by a trusted authority, and whether
  // it must be for the name.  Without them anyone on the way can answer.
  bool verify_peer = true;
  bool verify_host = true;
};

// As MakeHttpProbeFactory(), over TLS.  A certificate that is not accepted is
// unhealthy, and the result's detail is libcurl's reason.
std::unique_ptr<ProbeFactory> MakeHttpsProbeFactory(
    const ActiveHealthConfig& config, HttpsProbeOptions options = {});

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_CURL_PROBE_H_
