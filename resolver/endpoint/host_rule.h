// HostRule: one line of an allow or deny list of hosts.
//
//   "10.0.0.0/8", "2001:db8::/32"  the addresses of a network (CIDR)
//   "10.0.0.1", "::1"              one address
//   "prod.example"                 that name and every name below it
//
// A name never matches a network, nor an address a name: nothing is looked up.
// Names are compared without case and without a final dot.  Pure; immutable.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_HOST_RULE_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_HOST_RULE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/endpoint/ip_address.h"

namespace multi_backend {

class HostRule {
 public:
  // INVALID_ARGUMENT says what is wrong; a leading "." or "*." of a name is
  // taken and means nothing more.
  static absl::StatusOr<HostRule> Parse(absl::string_view text);

  // `address` is IpAddress::Parse(host).
  bool Matches(absl::string_view host,
               const absl::optional<IpAddress>& address) const;

 private:
  HostRule() = default;

  absl::optional<IpAddress> network_;  // nullopt = a rule for names.
  size_t length_ = 0;                  // Bits of `network_` that count.
  std::string name_;                   // Lower case, without a final dot.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_HOST_RULE_H_
