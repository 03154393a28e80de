#include "multi_backend/resolver/dns/registration.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/dns/address_source.h"
#include "multi_backend/resolver/dns/client.h"
#include "multi_backend/resolver/dns/endpoint_group.h"
#include "multi_backend/resolver/dns/service_source.h"
#include "multi_backend/resolver/dns/text_source.h"
#include "multi_backend/resolver/source/registry.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kAddress = "dns+addr";
constexpr absl::string_view kService = "dns+srv";
constexpr absl::string_view kText = "dns+txt";

absl::StatusOr<std::unique_ptr<DnsSource>> SourceOf(
    const SourceTarget& target) {
  const absl::string_view name = absl::StripPrefix(target.path, "/");
  if (target.scheme == kAddress) return DnsAddressSource::Make(name, {});
  if (target.scheme == kService) return DnsServiceSource::Make(name, {});
  return DnsTextSource::Make(name, {});
}

absl::Status Check(const SourceTarget& target) {
  DnsClientOptions client;
  client.servers = std::string(target.authority);
  const absl::Status status = DnsClient::Make(client).status();
  if (!status.ok()) return status;
  return SourceOf(target).status();
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
    const SourceTarget& target) {
  auto source = SourceOf(target);
  if (!source.ok()) return source.status();
  DnsSourceOptions options;
  options.client.servers = std::string(target.authority);
  return DnsEndpointGroup::Make(target.scheme, *std::move(source),
                                std::move(options));
}

// For dns+addr this is "host:port".  For the others it is the name without its
// "_service._protocol." labels (RFC 6125, section 6.4: the source domain).
std::string DefaultAuthority(const SourceTarget& target) {
  absl::string_view name = absl::StripPrefix(target.path, "/");
  if (target.scheme == kAddress) return std::string(name);
  while (absl::StartsWith(name, "_")) {
    const size_t dot = name.find('.');
    if (dot == absl::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return std::string(absl::StripSuffix(name, "."));
}

constexpr SourceKind kDns = {Check, Make, DefaultAuthority};

}  // namespace

absl::Status RegisterDns() {
  for (const absl::string_view scheme : {kAddress, kService, kText}) {
    const absl::Status status = SourceRegistry::Register(scheme, &kDns);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace multi_backend
