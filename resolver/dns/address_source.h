// DnsAddressSource: the source of `dns+addr://[server:port]/host:port`.  Its
// endpoints are the A and AAAA addresses of the host, all with the target's
// port.
//
// Threads: as DnsSource.
#ifndef MULTI_BACKEND_RESOLVER_DNS_ADDRESS_SOURCE_H_
#define MULTI_BACKEND_RESOLVER_DNS_ADDRESS_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/dns/host_addresses.h"
#include "multi_backend/resolver/dns/source.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

class DnsAddressSource final : public DnsSource {
 public:
  // `address`: "users.example:50051".  INVALID_ARGUMENT when the name or the
  // port is missing or malformed.
  static absl::StatusOr<std::unique_ptr<DnsSource>> Make(
      absl::string_view address, EndpointPolicy policy);

  std::string name() const override;
  absl::StatusOr<DnsResolution> Resolve(AskDns ask) override;

 private:
  DnsAddressSource(std::string host, uint16_t port, EndpointPolicy policy);

  const std::string host_;
  const uint16_t port_;
  const EndpointPolicy policy_;
  DnsHostAddresses addresses_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_ADDRESS_SOURCE_H_
