// gRPC probes: ask a backend with grpc.health.v1.Health/Check.
//
// Result: SERVING is healthy.  For UNIMPLEMENTED, which means that the server
// has no health service, the configuration decides.  Everything else is
// unhealthy: another status, NOT_FOUND (the server does not know the configured
// service), any other error, or no answer in time.
//
// Connections: each probe has a connection of its own and keeps it as long as
// answers come.  After a probe without an answer the connection is given up, so
// that the next probe opens a new one and measures the backend, not a reconnect
// backoff or a dead connection.  If an old connection turns out to be closed,
// the same probe asks once more on a new one.  Probes use no proxy, service
// config, retries or interceptors.
//
// Cost: one connection per probe, about 0.3 ms of CPU for each check, and one
// thread per process for all probes.  The thread sleeps while no check is under
// way, so that it takes no work from the application's own gRPC threads.
//
// Threads: as in health/probes/probe.h.  `done` runs on that thread, which ends
// with the last probe.
#ifndef MULTI_BACKEND_HEALTH_GRPC_GRPC_PROBE_H_
#define MULTI_BACKEND_HEALTH_GRPC_GRPC_PROBE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

struct GrpcProbeOptions {
  // The :authority of the check, and the name in the TLS certificate of the
  // server; "" = the address of the endpoint, "host:port".
  std::string authority;
  // Further arguments for the channels of the probes.
  grpc::ChannelArguments args;
};

// Makes probes that connect with `creds`.  Uses only the settings of `config`
// that concern gRPC.
std::unique_ptr<ProbeFactory> MakeGrpcProbeFactory(
    std::shared_ptr<grpc::ChannelCredentials> creds, ActiveHealthConfig config,
    GrpcProbeOptions options = {});

// Makes a channel with a new connection.  Called on any thread.
using ConnectFunction = std::function<std::shared_ptr<grpc::Channel>()>;

// Makes one probe that uses the channels that `connect` returns.  `identity` is
// that of the probe.
std::unique_ptr<Probe> MakeGrpcProbe(const ActiveHealthConfig& config,
                                     ConnectFunction connect,
                                     ProbeIdentity identity = {});

// Returns the gRPC target for `address`: "ipv4:1.2.3.4:80", "ipv6:%5B::1%5D:80"
// or "dns:///name:80".  Returns `address` itself if it already is a target
// ("unix:…").
std::string ProbeTarget(absl::string_view address);

// Sets the arguments that every channel of a probe needs.  A ConnectFunction
// must call it for its channels.
void SetProbeArguments(grpc::ChannelArguments* args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_GRPC_GRPC_PROBE_H_
