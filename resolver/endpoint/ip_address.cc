#include "multi_backend/resolver/endpoint/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

namespace multi_backend {
namespace {

// ::ffff:0:0/96, RFC 4291, section 2.5.5.2.
constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0,    0,
                                             0, 0, 0, 0, 0xff, 0xff};
// ::/96, RFC 4291, section 2.5.5.1.
constexpr std::array<uint8_t, 12> kCompatible = {};
// 64:ff9b::/96, RFC 6052, section 2.1.
constexpr std::array<uint8_t, 12> kNat64 = {0, 0x64, 0xff, 0x9b, 0, 0,
                                            0, 0,    0,    0,    0, 0};

bool BeginsWith(const IpAddress& address,
                const std::array<uint8_t, 12>& prefix) {
  return !address.is_v4 &&
         std::equal(prefix.begin(), prefix.end(), address.bytes.begin());
}

IpAddress LastFourBytes(const IpAddress& address) {
  IpAddress v4;
  v4.is_v4 = true;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), v4.bytes.begin());
  return v4;
}

absl::string_view UndialableV4(const IpAddress& address) {
  const auto& bytes = address.bytes;
  if (bytes[0] == 0) return "unspecified";  // RFC 1122: "this network".
  if (bytes[0] == 169 && bytes[1] == 254) return "link-local";
  if (bytes[0] >= 224 && bytes[0] < 240) return "multicast";
  const bool all_ones = std::all_of(bytes.begin(), bytes.begin() + 4,
                                    [](uint8_t byte) { return byte == 255; });
  return all_ones ? "broadcast" : "";
}

}  // namespace

absl::optional<IpAddress> IpAddress::Parse(absl::string_view host) {
  IpAddress address;
  // The C library stops at a NUL, and a host with one is no literal.
  if (host.find('\0') != absl::string_view::npos) return absl::nullopt;
  if (inet_pton(AF_INET, std::string(host).c_str(), address.bytes.data()) ==
      1) {
    address.is_v4 = true;
    return address;
  }
  const std::string without_zone(host.substr(0, host.find('%')));
  if (inet_pton(AF_INET6, without_zone.c_str(), address.bytes.data()) != 1) {
    return absl::nullopt;
  }
  if (BeginsWith(address, kMapped)) return LastFourBytes(address);
  return address;
}

bool IpAddress::IsIn(const IpAddress& prefix, size_t length) const {
  if (is_v4 != prefix.is_v4 || length > bits()) return false;
  const size_t whole = length / 8;
  if (!std::equal(bytes.begin(), bytes.begin() + whole, prefix.bytes.begin())) {
    return false;
  }
  const size_t rest = length % 8;
  if (rest == 0) return true;
  return (bytes[whole] ^ prefix.bytes[whole]) >> (8 - rest) == 0;
}

absl::string_view UndialableKind(const IpAddress& address) {
  if (address.is_v4) return UndialableV4(address);
  const auto& bytes = address.bytes;
  if (bytes[0] == 0xff) return "multicast";
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) return "link-local";
  if (BeginsWith(address, kNat64)) return UndialableV4(LastFourBytes(address));
  if (BeginsWith(address, kCompatible)) {
    // "::1" is the loopback address, not the IPv4 address 0.0.0.1.
    IpAddress loopback;
    loopback.bytes[15] = 1;
    return address == loopback ? "" : UndialableV4(LastFourBytes(address));
  }
  return "";
}

}  // namespace multi_backend
