// gRPC probes: asks a backend by grpc.health.v1.Health/Check.
//
// SERVING is healthy.  UNIMPLEMENTED (the server has no health service) is what
// the configuration says.  Everything else is not: another status, NOT_FOUND
// (the server does not know the configured service), an error, no answer in
// time.
//
// Each probe has a connection of its own, kept while answers come.  A probe
// that gets none gives its connection up, so that the next one opens another
// and measures the backend, not a reconnect backoff or a dead connection.  When
// an old connection turns out to have been closed, the probe itself asks once
// more on a new one.  No proxy, no service config, no retries, no interceptors.
//
// Cost: one connection per probe; one thread per process for all of them, which
// sleeps while nothing is asked, so that it takes no work of the application's
// own gRPC threads; some 0.3 ms of CPU a probe.
//
// Threads: as health/probes/probe.h; `done` runs on that thread.  The last
// probe to go ends the thread.
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
  // The :authority, and the name that a TLS certificate is checked against;
  // "" = the endpoint's own, "host:port".
  std::string authority;
  // Further arguments of the channels.
  grpc::ChannelArguments args;
};

// Probes over `creds`; of `config` counts what is about gRPC.
std::unique_ptr<ProbeFactory> MakeGrpcProbeFactory(
    std::shared_ptr<grpc::ChannelCredentials> creds, ActiveHealthConfig config,
    GrpcProbeOptions options = {});

// Makes a channel over a new connection.
using ConnectFunction = std::function<std::shared_ptr<grpc::Channel>()>;

// One probe over whatever `connect` gives; it is called on any thread.
std::unique_ptr<Probe> MakeGrpcProbe(const ActiveHealthConfig& config,
                                     ConnectFunction connect);

// gRPC's target for `address`: "ipv4:1.2.3.4:80", "ipv6:%5B::1%5D:80",
// "dns:///name:80"; one that is a target already ("unix:…") as it is.
std::string ProbeTarget(absl::string_view address);

// What every channel of a probe has, whoever makes it.
void SetProbeArguments(grpc::ChannelArguments* args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_GRPC_GRPC_PROBE_H_
