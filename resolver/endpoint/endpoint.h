// Endpoint: one address at which a service can be reached, and what discovery
// knows about it.  A plain value; pure; thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_ENDPOINT_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_ENDPOINT_H_

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// The weight of an endpoint for which none is given.
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
  // Of() and Parse() store an IPv4-mapped IPv6 address as the IPv4 address.
  static Endpoint Of(absl::string_view host, uint16_t port);
  Endpoint WithWeight(uint32_t new_weight) const;
  Endpoint WithRole(absl::string_view new_role) const;

  // "host:port", IPv6 hosts in brackets; Parse(address()) gives host and port.
  std::string address() const;
  // address() in its one canonical spelling: lower case, IPv6 shortened.  Two
  // endpoints with the same key name the same address.
  std::string key() const;
  // Whether host is an IPv4 or IPv6 literal.
  bool is_ip() const;

  bool operator==(const Endpoint& other) const;
  bool operator!=(const Endpoint& other) const { return !(*this == other); }
};

// Writes the address and what differs from Of(), for the messages of tests.
std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint);

using EndpointList = std::vector<Endpoint>;

// INVALID_ARGUMENT for the first endpoint that Parse() would refuse or that has
// the key of an earlier one; endpoints are counted from 1: `endpoint 3: …`.
// Cost: O(n).
absl::Status CheckEndpoints(const EndpointList& endpoints);

// "a:1,b:2"; names at most five endpoints, followed by " and N more".
std::string NameEndpoints(const EndpointList& endpoints);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_ENDPOINT_H_
