// The code of docs/discovery.md.
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/sources.h"

namespace snippets {

ChannelOr CreateDiscoveringChannel() {
  // [discovery_channel]
  auto channel =
      multi_backend::CreateChannel("dns+srv:///_grpc._tcp.users.example",
                                   grpc::InsecureChannelCredentials());
  // [/discovery_channel]
  return channel;
}

absl::Status RegisterDnsGroup() {
  // [discovery_options]
  multi_backend::DnsSourceOptions options;
  options.max_ttl = absl::Seconds(30);
  auto dns = multi_backend::DnsServiceEndpointGroup::Make(
      "_grpc._tcp.users.example", options);
  if (!dns.ok()) return dns.status();
  return multi_backend::EndpointGroupRegistry::Register("users", *dns);
  // [/discovery_options]
}

absl::Status RegisterTextRecords(const std::string& name,
                                 const std::string& server) {
  multi_backend::DnsSourceOptions options;
  options.client.servers = server;
  // [discovery_text_mapping]
  // Records such as "backend=10.0.0.1:50051".
  auto users = multi_backend::DnsTextEndpointGroup::Make(
      name, options,
      [](absl::string_view record) -> absl::StatusOr<multi_backend::Endpoint> {
        const std::vector<std::string> parts = absl::StrSplit(record, '=');
        if (parts.size() != 2 || parts[0] != "backend") {
          return absl::InvalidArgumentError("it is not backend=host:port");
        }
        return multi_backend::Endpoint::Parse(parts[1]);
      });
  // [/discovery_text_mapping]
  if (!users.ok()) return users.status();
  return multi_backend::EndpointGroupRegistry::Register("users", *users);
}

}  // namespace snippets
