// HostRule: one entry of a list of allowed or denied hosts.
//
//   "10.0.0.0/8", "2001:db8::/32"  the addresses of a network (CIDR)
//   "10.0.0.1", "::1"              one address
//   "prod.example"                 that name and every name below it
//
// Nothing is looked up, so a rule for a name never matches an address, and a
// rule for a network never matches a name.  Names are compared without case and
// without a final dot.  Pure; immutable.
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
  // INVALID_ARGUMENT says what is wrong.  A leading "." or "*." of a name is
  // accepted and changes nothing.
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
