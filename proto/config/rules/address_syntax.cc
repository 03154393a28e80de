#include "multi_backend/proto/config/rules/address_syntax.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace multi_backend {
namespace {

// RFC 1035, section 2.3.4, less the length bytes that are not written.
constexpr size_t kMaxHostSize = 253;
constexpr size_t kMaxLabelSize = 63;

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
         c == '.' || c == '_';
}

std::string ProblemOfPort(absl::string_view port) {
  uint32_t number;
  // SimpleAtoi takes signs and spaces too.
  const bool digits = port.find_first_not_of("0123456789") == port.npos;
  if (!digits || port.size() > 5 || !absl::SimpleAtoi(port, &number) ||
      number < 1 || number > 65535) {
    return "port must be from 1 to 65535";
  }
  return "";
}

std::string ProblemOfIpv6(absl::string_view host) {
  const std::string problem = "is no IPv6 address in the brackets";
  // A zone, as RFC 4007 writes it: "fe80::1%eth0".
  const size_t percent = host.find('%');
  if (percent != host.npos) {
    const absl::string_view zone = host.substr(percent + 1);
    if (zone.empty()) return problem;
    for (char c : zone) {
      if (!IsNameCharacter(c)) return problem;
    }
  }
  in6_addr parsed;
  const std::string literal(host.substr(0, percent));
  // The C function stops at a NUL.
  if (literal.find('\0') != literal.npos ||
      inet_pton(AF_INET6, literal.c_str(), &parsed) != 1) {
    return problem;
  }
  return "";
}

std::string ProblemOfName(absl::string_view host) {
  if (host.empty()) return "has no host, write host:port";
  if (host.find(':') != host.npos) {
    return "an IPv6 address needs brackets, write [::1]:port";
  }
  if (host.size() > kMaxHostSize) return "host is longer than 253 bytes";
  for (char c : host) {
    if (!IsNameCharacter(c)) return "host must be of [A-Za-z0-9_.-]";
  }
  if (host.find_first_not_of("0123456789.") == host.npos) {
    // The C library would take "10.1" for 10.0.0.1, and 10.0.0.256 for a name.
    in_addr parsed;
    return inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1
               ? ""
               : "host is no IPv4 address";
  }
  absl::ConsumeSuffix(&host, ".");  // One final dot makes a name absolute.
  for (absl::string_view label : absl::StrSplit(host, '.')) {
    if (label.empty()) return "host has an empty label";
    if (label.size() > kMaxLabelSize) {
      return "host has a label longer than 63 bytes";
    }
  }
  return "";
}

}  // namespace

std::string ProblemOfAddress(absl::string_view address) {
  if (address.empty()) return "is required";
  std::string problem;
  size_t colon;
  if (address[0] == '[') {
    const size_t bracket = address.find(']');
    if (bracket == address.npos) return "has no closing bracket";
    problem = ProblemOfIpv6(address.substr(1, bracket - 1));
    colon = bracket + 1;
    if (colon == address.size() || address[colon] != ':') colon = address.npos;
  } else {
    colon = address.rfind(':');
    if (colon != address.npos) {
      problem = ProblemOfName(address.substr(0, colon));
    }
  }
  if (!problem.empty()) return problem;
  if (colon == address.npos) return "has no port, write host:port";
  return ProblemOfPort(address.substr(colon + 1));
}

}  // namespace multi_backend
