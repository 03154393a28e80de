// The code of docs/kubernetes.md.
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/sources.h"

namespace snippets {

ChannelOr CreateChannelToHeadlessService(const Credentials& creds,
                                         const std::string& json) {
  // [kubernetes_channel]
  multi_backend::ChannelOptions options;
  options.service_config_json = json;
  auto channel = multi_backend::CreateChannel(
      "dns+addr:///users.default.svc.cluster.local:50051", creds,
      std::move(options));
  // [/kubernetes_channel]
  return channel;
}

ChannelOr CreateChannelToNamedPort(const Credentials& creds,
                                   const std::string& json) {
  multi_backend::ChannelOptions options;
  options.service_config_json = json;
  // [kubernetes_srv]
  auto channel = multi_backend::CreateChannel(
      "dns+srv:///_grpc._tcp.users.default.svc.cluster.local", creds,
      std::move(options));
  // [/kubernetes_srv]
  return channel;
}

absl::Status RegisterHeadlessService() {
  // [kubernetes_max_ttl]
  multi_backend::DnsSourceOptions options;
  options.max_ttl = absl::Seconds(3);
  auto users = multi_backend::DnsAddressEndpointGroup::Make(
      "users.default.svc.cluster.local:50051", options);
  if (!users.ok()) return users.status();
  absl::Status status =
      multi_backend::EndpointGroupRegistry::Register("users", *users);
  // [/kubernetes_max_ttl]
  return status;
}

// [kubernetes_stop]
// Runs after SIGTERM.  Clients leave during `drain`; calls that still run then
// have `grace` to end.
void StopGracefully(grpc::Server& server, absl::Duration drain,
                    absl::Duration grace) {
  if (auto* health = server.GetHealthCheckService()) {
    health->SetServingStatus(false);  // For clients with health.active.
  }
  absl::SleepFor(drain);  // Longer than the TTL of the DNS records.
  server.Shutdown(absl::ToChronoTime(absl::Now() + grace));
}
// [/kubernetes_stop]

}  // namespace snippets
