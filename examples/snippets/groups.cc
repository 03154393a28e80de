// The code of docs/groups.md.
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/probes.h"
#include "multi_backend/sources.h"

namespace snippets {

absl::Status RegisterAList() {
  // [groups_static]
  auto users = multi_backend::StaticEndpointGroup::Make(
      {multi_backend::Endpoint::Of("10.0.0.1", 50051),
       multi_backend::Endpoint::Of("10.0.0.2", 50051).WithWeight(2000)});
  if (!users.ok()) return users.status();
  absl::Status status = multi_backend::EndpointGroupRegistry::Register(
      "users", *users, multi_backend::StrategyKind::kWeighted);
  // [/groups_static]
  return status;
}

ChannelOr CreateChannelToGroup(const Credentials& creds) {
  // [groups_channel]
  auto channel = multi_backend::CreateChannel("group:///users", creds);
  // [/groups_channel]
  return channel;
}

absl::Status CombineGroups() {
  // [groups_combined]
  auto dns =
      multi_backend::DnsServiceEndpointGroup::Make("_grpc._tcp.users.example");
  auto fixed = multi_backend::StaticEndpointGroup::Make(
      {multi_backend::Endpoint::Of("10.0.0.9", 50051)});
  auto stand_by =
      multi_backend::FileEndpointGroup::Make("/etc/app/stand_by.json");
  if (!dns.ok()) return dns.status();
  if (!fixed.ok()) return fixed.status();
  if (!stand_by.ok()) return stand_by.status();

  auto users =
      multi_backend::OrElse(multi_backend::Union({*dns, *fixed}), *stand_by);
  // [/groups_combined]
  return multi_backend::EndpointGroupRegistry::Register("users", users);
}

GroupOr CheckByHttp(std::shared_ptr<multi_backend::EndpointGroup> group,
                    uint16_t health_port) {
  // [groups_health_checked]
  multi_backend::ActiveHealthConfig config;
  config.path = "/healthz";
  config.port = health_port;
  config.interval = absl::Milliseconds(500);
  config.timeout = absl::Milliseconds(300);

  multi_backend::HealthCheckedOptions options;
  options.config = config;
  auto healthy = multi_backend::HealthCheckedEndpointGroup(
      std::move(group), multi_backend::MakeHttpProbeFactory(config), options);
  // [/groups_health_checked]
  return healthy;
}

GroupOr UseStandByWhenIll(
    std::shared_ptr<multi_backend::EndpointGroup> group,
    std::shared_ptr<multi_backend::EndpointGroup> stand_by,
    const Credentials& creds) {
  // [groups_stand_by]
  multi_backend::HealthCheckedOptions options;
  options.when_all_unhealthy = multi_backend::WhenAllUnhealthy::kPublishEmpty;
  auto healthy = multi_backend::HealthCheckedEndpointGroup(
      std::move(group),
      multi_backend::MakeGrpcProbeFactory(creds, options.config), options);
  auto users = multi_backend::OrElse(healthy, std::move(stand_by));
  // [/groups_stand_by]
  return users;
}

absl::Status AwaitGroup(multi_backend::EndpointGroup& group) {
  // [groups_await]
  absl::Status known = group.AwaitInitialEndpoints(absl::Seconds(5));
  if (!known.ok()) return known;  // It names the source and its last error.
  // [/groups_await]
  return absl::OkStatus();
}

void EndGroup(const std::shared_ptr<multi_backend::EndpointGroup>& group) {
  // [groups_close]
  multi_backend::EndpointGroupRegistry::Unregister("users");
  group->Close();
  // [/groups_close]
}

}  // namespace snippets
