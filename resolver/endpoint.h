// Endpoint: one place where a service can be reached, and what discovery knows
// of it.  A plain value; pure; thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// The share of an endpoint that says nothing about its weight.
constexpr uint32_t kDefaultEndpointWeight = 1000;

struct Endpoint {
  std::string host;  // Name or IP literal, IPv6 without brackets.
  uint16_t port = 0;
  uint32_t weight = kDefaultEndpointWeight;  // 0 = drain: no new calls.
  std::string role;                          // "" = none.
  int32_t priority = 0;                      // Smaller is better (PRIMARY).
  std::string zone;
  std::map<std::string, std::string> labels;

  // Parses "host:port" or "[v6]:port"; the port is required, 1..65535.
  // INVALID_ARGUMENT says what is wrong with the text.
  static absl::StatusOr<Endpoint> Parse(absl::string_view address);
  static Endpoint Of(absl::string_view host, uint16_t port);
  Endpoint WithWeight(uint32_t new_weight) const;
  Endpoint WithRole(absl::string_view new_role) const;

  // "host:port", IPv6 hosts in brackets; Parse(address()) gives host and port.
  std::string address() const;
  // Whether host is an IPv4 or IPv6 literal.
  bool is_ip() const;

  bool operator==(const Endpoint& other) const;
  bool operator!=(const Endpoint& other) const { return !(*this == other); }
};

using EndpointList = std::vector<Endpoint>;

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_H_
