// The code of docs/discovery.md.
#include <memory>

#include "absl/status/status.h"
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

}  // namespace snippets
