#include "multi_backend/proto/config/host_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// RFC 1035, section 2.3.4, as kMaxHostSize.
constexpr size_t kMaxLabelSize = 63;

// An error text shows as much of a bad port as of a whole address.
constexpr size_t kMaxQuoted = kMaxHostSize + 8;

bool AllDigits(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// What is wrong with a name or an IPv4 literal; "" = nothing.
std::string ProblemOfName(absl::string_view host) {
  if (host.empty()) return "host is missing, write host:port";
  if (host.size() > kMaxHostSize) {
    return absl::StrCat("host is longer than ", kMaxHostSize, " characters");
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
    return IsIpv4(host) ? "" : "host is not an IPv4 address";
  }
  // One final dot makes a name absolute.
  absl::string_view labels = host;
  absl::ConsumeSuffix(&labels, ".");
  for (absl::string_view label : absl::StrSplit(labels, '.')) {
    if (label.empty()) return "host has an empty label";
    if (label.size() > kMaxLabelSize) {
      return absl::StrCat("host has a label longer than ", kMaxLabelSize,
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
  if (host.size() > kMaxHostSize || ShortestIpv6(host).empty()) {
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
                        : absl::StrCat("port ", Quoted(text, kMaxQuoted),
                                       " is not a number")};
  }
  uint32_t port = 0;
  for (char c : text) port = std::min<uint32_t>(port * 10 + (c - '0'), 65536);
  if (port == 0 || port > 65535) return {0, "port must be 1..65535"};
  return {static_cast<uint16_t>(port), ""};
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(absl::string_view address) {
  if (address.empty()) {
    return absl::InvalidArgumentError("empty, write host:port");
  }
  Parts parts =
      address[0] == '[' ? SplitBracketed(address) : SplitPlain(address);
  uint16_t port = 0;
  if (parts.problem.empty()) {
    std::tie(port, parts.problem) = PortOf(parts.port);
  }
  if (!parts.problem.empty()) {
    return absl::InvalidArgumentError(parts.problem);
  }
  return HostPort{std::string(parts.host), port};
}

bool IsIpv4(absl::string_view host) {
  in_addr parsed;
  // The C function stops at a NUL.
  return host.find('\0') == host.npos &&
         inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1;
}

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

}  // namespace multi_backend
