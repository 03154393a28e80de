#include "multi_backend/resolver/endpoint/endpoint.h"

#include <cstddef>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "multi_backend/proto/config/host_port.h"
#include "multi_backend/resolver/endpoint/abbreviated_list.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// How much of a malformed address an error shows: as much as the longest good
// address with its port has.
constexpr size_t kMaxQuoted = kMaxHostSize + 8;

// `host`; of an IPv4-mapped IPv6 address, the IPv4 address to which its packets
// go, so that a backend has one name.
std::string UnmappedHost(absl::string_view host) {
  if (absl::StrContains(host, ':')) {
    const std::string shortest = ShortestIpv6(host);
    absl::string_view mapped = shortest;
    if (absl::ConsumePrefix(&mapped, "::ffff:") && IsIpv4(mapped)) {
      return std::string(mapped);
    }
  }
  return std::string(host);
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Parse(absl::string_view address) {
  const auto parsed = ParseHostPort(address);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("address ", Quoted(address, kMaxQuoted), ": ",
                     parsed.status().message()));
  }
  return Of(parsed->host, parsed->port);
}

Endpoint Endpoint::Of(absl::string_view host, uint16_t port) {
  Endpoint endpoint;
  endpoint.host = UnmappedHost(host);
  endpoint.port = port;
  return endpoint;
}

Endpoint Endpoint::WithWeight(uint32_t new_weight) const {
  Endpoint copy = *this;
  copy.weight = new_weight;
  return copy;
}

Endpoint Endpoint::WithRole(absl::string_view new_role) const {
  Endpoint copy = *this;
  copy.role = std::string(new_role);
  return copy;
}

std::string Endpoint::address() const {
  if (host.find(':') == std::string::npos) return absl::StrCat(host, ":", port);
  return absl::StrCat("[", host, "]:", port);
}

std::string Endpoint::key() const {
  if (host.find(':') == std::string::npos) {
    return absl::StrCat(absl::AsciiStrToLower(host), ":", port);
  }
  const std::string shortest = ShortestIpv6(host);
  return absl::StrCat("[", shortest.empty() ? host : shortest, "]:", port);
}

bool Endpoint::is_ip() const {
  return IsIpv4(host) || !ShortestIpv6(host).empty();
}

bool Endpoint::operator==(const Endpoint& other) const {
  return port == other.port && weight == other.weight &&
         priority == other.priority && host == other.host &&
         role == other.role && zone == other.zone && labels == other.labels;
}

std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint) {
  out << endpoint.address();
  if (endpoint.weight != kDefaultEndpointWeight) {
    out << " weight=" << endpoint.weight;
  }
  if (!endpoint.role.empty()) out << " role=" << endpoint.role;
  if (endpoint.priority != 0) out << " priority=" << endpoint.priority;
  if (!endpoint.zone.empty()) out << " zone=" << endpoint.zone;
  for (const auto& label : endpoint.labels) {
    out << " " << label.first << "=" << label.second;
  }
  return out;
}

absl::Status CheckEndpoints(const EndpointList& endpoints) {
  absl::flat_hash_map<std::string, size_t> seen;
  seen.reserve(endpoints.size());
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const Endpoint& endpoint = endpoints[i];
    const auto parsed = Endpoint::Parse(endpoint.address());
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("endpoint ", i + 1, ": ", parsed.status().message()));
    }
    const auto inserted = seen.emplace(endpoint.key(), i);
    if (!inserted.second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "endpoint ", i + 1, ": address \"", endpoint.address(),
          "\" is a duplicate of endpoint ", inserted.first->second + 1));
    }
  }
  return absl::OkStatus();
}

std::string NameEndpoints(const EndpointList& endpoints) {
  return AbbreviatedList(endpoints.size(), ",",
                         [&](size_t i) { return endpoints[i].address(); });
}

}  // namespace multi_backend
