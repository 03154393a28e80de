#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/endpoint/abbreviated_list.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

// RFC 1035, section 2.3.4, less the length bytes that are not written.
constexpr size_t kMaxHostLength = 253;
constexpr size_t kMaxLabelLength = 63;
// Of a bad address, in an error text: the longest good one with its port fits.
constexpr size_t kMaxQuoted = kMaxHostLength + 8;

bool AllDigits(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool IsIpv4(const std::string& host) {
  in_addr parsed;
  return inet_pton(AF_INET, host.c_str(), &parsed) == 1;
}

// "::1", also with a zone as RFC 4007 writes it: "fe80::1%eth0".  The shortest
// spelling (RFC 5952), or "" when `host` is something else.
std::string ShortestIpv6(absl::string_view host) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(host, absl::MaxSplits('%', 1));
  const bool has_zone = parts.first.size() != host.size();
  if (has_zone) {
    if (parts.second.empty()) return "";
    for (char c : parts.second) {
      if (!absl::ascii_isalnum(c) && c != '-' && c != '.' && c != '_') {
        return "";
      }
    }
  }
  // The C function stops at a NUL.
  if (parts.first.find('\0') != parts.first.npos) return "";
  in6_addr parsed;
  char text[INET6_ADDRSTRLEN];
  if (inet_pton(AF_INET6, std::string(parts.first).c_str(), &parsed) != 1 ||
      inet_ntop(AF_INET6, &parsed, text, sizeof(text)) == nullptr) {
    return "";
  }
  return has_zone ? absl::StrCat(text, "%", parts.second) : text;
}

// What is wrong with a name or an IPv4 literal; "" = nothing.
std::string ProblemOfName(absl::string_view host) {
  if (host.empty()) return "host is missing, write host:port";
  if (host.size() > kMaxHostLength) {
    return absl::StrCat("host is longer than ", kMaxHostLength, " characters");
  }
  bool only_digits_and_dots = true;
  for (char c : host) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.' && c != '_') {
      return absl::StrCat("host must not contain \"",
                          absl::CHexEscape(absl::string_view(&c, 1)), "\"");
    }
    only_digits_and_dots &= absl::ascii_isdigit(c) || c == '.';
  }
  // The C library would take "10.1" for 10.0.0.1, and "10.0.0.256" for a name.
  if (only_digits_and_dots) {
    return IsIpv4(std::string(host)) ? "" : "host is not an IPv4 address";
  }
  // One final dot makes a name absolute.
  absl::string_view labels = host;
  absl::ConsumeSuffix(&labels, ".");
  for (absl::string_view label : absl::StrSplit(labels, '.')) {
    if (label.empty()) return "host has an empty label";
    if (label.size() > kMaxLabelLength) {
      return absl::StrCat("host has a label longer than ", kMaxLabelLength,
                          " characters");
    }
  }
  return "";
}

struct Parts {
  absl::string_view host;
  absl::string_view port;
  std::string problem;  // "" = none.
};

Parts SplitBracketed(absl::string_view address) {
  const size_t end = address.find(']');
  if (end == absl::string_view::npos) {
    return {"", "", "\"[\" has no matching \"]\""};
  }
  const absl::string_view host = address.substr(1, end - 1);
  absl::string_view rest = address.substr(end + 1);
  if (host.size() > kMaxHostLength || ShortestIpv6(host).empty()) {
    return {"", "", "text in brackets is not an IPv6 address"};
  }
  if (rest.empty()) return {"", "", "port is missing, write [host]:port"};
  if (!absl::ConsumePrefix(&rest, ":")) {
    return {"", "", "\"]\" must be followed by :port"};
  }
  return {host, rest, ""};
}

Parts SplitPlain(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) {
    return {"", "", "port is missing, write host:port"};
  }
  const absl::string_view host = address.substr(0, colon);
  const absl::string_view port = address.substr(colon + 1);
  if (host.find(':') == absl::string_view::npos) {
    return {host, port, ProblemOfName(host)};
  }
  if (AllDigits(port) && !ShortestIpv6(host).empty()) {
    return {"", "",
            absl::StrCat("IPv6 addresses need brackets: [", host, "]:", port)};
  }
  if (!ShortestIpv6(address).empty()) {
    return {"", "",
            absl::StrCat("IPv6 addresses need brackets and a port: [", address,
                         "]:port")};
  }
  return {"", "", "more than one \":\""};
}

// 0 and a problem, or the port.
std::pair<uint16_t, std::string> PortOf(absl::string_view text) {
  if (text.empty()) return {0, "port is missing, write host:port"};
  if (!AllDigits(text)) {
    const bool negative = text[0] == '-' && AllDigits(text.substr(1));
    return {0, negative ? "port must be 1..65535"
                        : absl::StrCat("port \"", absl::CHexEscape(text),
                                       "\" is not a number")};
  }
  uint32_t port = 0;
  for (char c : text) port = std::min<uint32_t>(port * 10 + (c - '0'), 65536);
  if (port == 0 || port > 65535) return {0, "port must be 1..65535"};
  return {static_cast<uint16_t>(port), ""};
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Parse(absl::string_view address) {
  Parts parts;
  if (address.empty()) {
    parts.problem = "empty, write host:port";
  } else {
    parts = address[0] == '[' ? SplitBracketed(address) : SplitPlain(address);
  }
  uint16_t port = 0;
  if (parts.problem.empty()) {
    std::tie(port, parts.problem) = PortOf(parts.port.substr(0, kMaxQuoted));
  }
  if (!parts.problem.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "address \"", absl::CHexEscape(address.substr(0, kMaxQuoted)),
        address.size() > kMaxQuoted ? "…" : "", "\": ", parts.problem));
  }
  return Of(parts.host, port);
}

Endpoint Endpoint::Of(absl::string_view host, uint16_t port) {
  Endpoint endpoint;
  endpoint.host = std::string(host);
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
