// IpAddress: an IPv4 or IPv6 literal as bytes, and the kinds of address that no
// backend can have.  A plain value; pure; thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_IP_ADDRESS_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_IP_ADDRESS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace multi_backend {

struct IpAddress {
  bool is_v4 = false;
  std::array<uint8_t, 16> bytes = {};  // Network order; the first 4 of IPv4.

  // Parses "10.0.0.1", "::1" or "fe80::1%eth0", whose zone is ignored.  An
  // IPv4-mapped IPv6 address becomes the IPv4 address, to which its packets go.
  // nullopt when `host` is no literal.
  static absl::optional<IpAddress> Parse(absl::string_view host);

  size_t bits() const { return is_v4 ? 32 : 128; }
  // Whether the first `length` bits are those of `prefix`.  An IPv4 address is
  // never in an IPv6 prefix, nor the reverse.
  bool IsIn(const IpAddress& prefix, size_t length) const;

  bool operator==(const IpAddress& other) const {
    return is_v4 == other.is_v4 && bytes == other.bytes;
  }
};

// "link-local", "multicast", "unspecified" or "broadcast" for an address that
// no backend has; "" for every other one.  (Link-local addresses reach services
// that must not appear in a list of backends, such as the metadata service of a
// cloud.)  IPv6 forms that carry an IPv4 address are judged by that address
// (RFC 6052 and 4291).
absl::string_view UndialableKind(const IpAddress& address);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_IP_ADDRESS_H_
