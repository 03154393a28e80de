#include "multi_backend/examples/primary_and_replicas.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "multi_backend/endpoint_groups.h"

namespace examples {
namespace {

using multi_backend::BackendFleet;

// gRPC may wait two minutes before it connects to a lost backend again, which
// is too long for a demonstration.
constexpr int kMaxReconnectBackoffMs = 1000;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError("cannot read " + path);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

absl::Status RegisterEndpoints(const BackendFleet& fleet) {
  multi_backend::EndpointList endpoints;
  endpoints.reserve(fleet.size());
  for (size_t i = 0; i < fleet.size(); ++i) {
    auto endpoint = multi_backend::Endpoint::Parse(fleet.address(i));
    if (!endpoint.ok()) return endpoint.status();
    endpoints.push_back(endpoint->WithRole(fleet.role(i)));
  }
  auto group = multi_backend::StaticEndpointGroup::Make(std::move(endpoints));
  if (!group.ok()) return group.status();
  return multi_backend::EndpointGroupRegistry::Register("users", *group);
}

}  // namespace

absl::StatusOr<std::unique_ptr<BackendFleet>> StartPrimaryAndReplicas() {
  // Register() must run before the fleet makes channels of its own.
  const absl::Status ready = multi_backend::Register();
  if (!ready.ok()) return ready;
  return BackendFleet::Start({{"primary", "primary", {}},
                              {"replica-1", "replica", {}},
                              {"replica-2", "replica", {}}});
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannelTo(
    const BackendFleet& fleet, const std::string& config_file,
    multi_backend::ChannelOptions options) {
  const absl::Status registered = RegisterEndpoints(fleet);
  if (!registered.ok()) return registered;
  auto config = ReadFile(config_file);
  if (!config.ok()) return config.status();
  options.service_config_json = *std::move(config);
  options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                      kMaxReconnectBackoffMs);
  return multi_backend::CreateChannel(
      "group:///users", grpc::InsecureChannelCredentials(), std::move(options));
}

}  // namespace examples
