// IpAddress: an IPv4 or IPv6 literal as bytes, and which kinds of address no
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

  // "10.0.0.1", "::1", "fe80::1%eth0" (the zone is left out).  An IPv4-mapped
  // IPv6 address is the IPv4 address: packets to it go there.  nullopt when
  // `host` is no literal.
  static absl::optional<IpAddress> Parse(absl::string_view host);

  size_t bits() const { return is_v4 ? 32 : 128; }
  // Whether the first `length` bits are those of `prefix`; never across
  // families.
  bool IsIn(const IpAddress& prefix, size_t length) const;

  bool operator==(const IpAddress& other) const {
    return is_v4 == other.is_v4 && bytes == other.bytes;
  }
};

// "link-local", "multicast", "unspecified" or "broadcast" for an address that
// reaches no backend, or (link-local) things that no backend list has a
// business with, as the metadata service of a cloud; "" for every other one.
// Sees through the IPv6 forms that carry an IPv4 address (RFC 6052 and 4291).
absl::string_view UndialableKind(const IpAddress& address);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_IP_ADDRESS_H_
