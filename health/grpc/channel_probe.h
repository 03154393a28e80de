// The probes of a gRPC channel's own backends, as the channel reaches them.
#ifndef MULTI_BACKEND_HEALTH_GRPC_CHANNEL_PROBE_H_
#define MULTI_BACKEND_HEALTH_GRPC_CHANNEL_PROBE_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// A probe as `config` says.  gRPC: over the credentials of `channel_args`
// (those of the channel, which its LB policy gets), without the application's
// call credentials, interceptors and service config; see grpc_probe.h.  TCP:
// see health/probes/tcp_probe.h.  HTTP: the one of ProbeRegistry.
//
// `address`: "1.2.3.4:80", "[::1]:80" or the URI of a socket ("unix:/a",
// "ipv4:1.2.3.4:80").  `authority`: the :authority and TLS name of calls to
// that backend.  `endpoint`: names the host in HTTP.
//
// Probes of channels whose credentials and arguments core treats as the same,
// as it does for subchannels, have equal identities: insecure channels, and
// channels that were made with one credentials object.
//
// Null when `channel_args` hold no credentials, or when there is no such probe
// (HTTP and TCP of a Unix socket; HTTP where it is not linked, which
// CheckProbeIsLinked() refuses before).
std::unique_ptr<Probe> MakeChannelProbe(
    const grpc_core::ChannelArgs& channel_args,
    const ActiveHealthConfig& config, const Endpoint& endpoint,
    absl::string_view address, absl::string_view authority);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_GRPC_CHANNEL_PROBE_H_
