#include "multi_backend/resolver/source_factory.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/dns/address_source.h"
#include "multi_backend/resolver/dns/client.h"
#include "multi_backend/resolver/dns/endpoint_group.h"
#include "multi_backend/resolver/dns/service_source.h"
#include "multi_backend/resolver/dns/text_source.h"
#include "multi_backend/resolver/file/endpoint_group.h"
#include "multi_backend/resolver/source/store_authority.h"
#include "multi_backend/resolver/zookeeper/endpoint_group.h"
#include "multi_backend/resolver/zookeeper/target.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kFile = "file";
constexpr absl::string_view kDnsAddress = "dns+addr";
constexpr absl::string_view kDnsService = "dns+srv";
constexpr absl::string_view kDnsText = "dns+txt";
constexpr absl::string_view kZookeeper = "zookeeper";
constexpr absl::string_view kSchemes[] = {kFile, kDnsAddress, kDnsService,
                                          kDnsText, kZookeeper};

absl::Status UnknownScheme(absl::string_view scheme) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", scheme, "\" is not the scheme of a source"));
}

// file://host/path is a file of another machine.
absl::Status CheckFileAuthority(absl::string_view authority) {
  if (authority.empty() || authority == "localhost") return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "file target: host \"", absl::CHexEscape(authority.substr(0, 300)),
      "\": write file:///absolute/path"));
}

absl::StatusOr<std::unique_ptr<DnsSource>> MakeDnsSource(
    absl::string_view scheme, absl::string_view name) {
  if (scheme == kDnsAddress) return DnsAddressSource::Make(name, {});
  if (scheme == kDnsService) return DnsServiceSource::Make(name, {});
  return DnsTextSource::Make(name, {});
}

}  // namespace

absl::Span<const absl::string_view> SourceSchemes() { return kSchemes; }

bool IsSourceScheme(absl::string_view scheme) {
  return std::find(std::begin(kSchemes), std::end(kSchemes), scheme) !=
         std::end(kSchemes);
}

absl::Status CheckSource(absl::string_view scheme, absl::string_view authority,
                         absl::string_view path) {
  if (!IsSourceScheme(scheme)) return UnknownScheme(scheme);
  if (scheme == kFile) {
    const absl::Status status = CheckFileAuthority(authority);
    return status.ok() ? FileEndpointGroup::CheckPath(path) : status;
  }
  if (scheme == kZookeeper) {
    return ZookeeperTarget::Parse(authority, path).status();
  }
  DnsClientOptions client;
  client.servers = std::string(authority);
  const absl::Status status = DnsClient::Make(client).status();
  if (!status.ok()) return status;
  return MakeDnsSource(scheme, absl::StripPrefix(path, "/")).status();
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> MakeSource(
    absl::string_view scheme, absl::string_view authority,
    absl::string_view path) {
  if (!IsSourceScheme(scheme)) return UnknownScheme(scheme);
  if (scheme == kFile) {
    const absl::Status status = CheckFileAuthority(authority);
    if (!status.ok()) return status;
    return FileEndpointGroup::Make(path);
  }
  if (scheme == kZookeeper) {
    return ZookeeperEndpointGroup::Make(authority, path);
  }
  auto source = MakeDnsSource(scheme, absl::StripPrefix(path, "/"));
  if (!source.ok()) return source.status();
  DnsSourceOptions options;
  options.client.servers = std::string(authority);
  return DnsEndpointGroup::Make(scheme, *std::move(source), std::move(options));
}

std::string DefaultAuthorityOfSource(absl::string_view scheme,
                                     absl::string_view path) {
  if (scheme == kFile) return "localhost";
  if (scheme == kZookeeper) return AuthorityOfStorePath(path);
  absl::string_view name = absl::StripPrefix(path, "/");
  if (scheme == kDnsAddress) return std::string(name);
  while (absl::StartsWith(name, "_")) {
    const size_t dot = name.find('.');
    if (dot == absl::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return std::string(absl::StripSuffix(name, "."));
}

}  // namespace multi_backend
