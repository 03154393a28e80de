// The address of a backend as one text: "host:port", "1.2.3.4:port" or
// "[v6]:port".  The configuration and discovery take the same syntax.  Pure and
// thread-safe; nothing is looked up.
#ifndef MULTI_BACKEND_PROTO_CONFIG_HOST_PORT_H_
#define MULTI_BACKEND_PROTO_CONFIG_HOST_PORT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// In bytes; RFC 1035, section 2.3.4, less the length bytes that are not
// written.
constexpr size_t kMaxHostSize = 253;

struct HostPort {
  std::string host;  // A name or an IP literal, IPv6 without brackets.
  uint16_t port = 0;
};

// INVALID_ARGUMENT says what is wrong, without the text itself: "port is
// missing, write host:port".
absl::StatusOr<HostPort> ParseHostPort(absl::string_view address);

// "10.0.0.1".
bool IsIpv4(absl::string_view host);

// The shortest spelling (RFC 5952) of an IPv6 literal, "::1", also with a zone
// as RFC 4007 writes it, "fe80::1%eth0"; "" when `host` is something else.
std::string ShortestIpv6(absl::string_view host);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_HOST_PORT_H_
