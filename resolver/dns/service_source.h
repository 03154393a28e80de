// DnsServiceSource: `dns+srv://[server:port]/_grpc._tcp.users.example`.  The
// addresses of the targets of SRV records (RFC 2782).
//
// Each address of a target has the record's port, its priority as
// Endpoint::priority (so PRIMARY uses the tiers in their order), and ten times
// its weight: 100 is the default weight of 1000.  Weight 0, which there means
// the smallest share, is 1: a tenth of the share of weight 1.
//
// Addresses come from the additional section where it has them, otherwise they
// are asked for.
#ifndef MULTI_BACKEND_RESOLVER_DNS_SERVICE_SOURCE_H_
#define MULTI_BACKEND_RESOLVER_DNS_SERVICE_SOURCE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/dns/host_addresses.h"
#include "multi_backend/resolver/dns/source.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

class DnsServiceSource final : public DnsSource {
 public:
  // INVALID_ARGUMENT: no DNS name.
  static absl::StatusOr<std::unique_ptr<DnsSource>> Make(
      absl::string_view service, EndpointPolicy policy);

  std::string name() const override { return service_; }
  absl::StatusOr<DnsResolution> Resolve(AskDns ask) override;

 private:
  DnsServiceSource(std::string service, EndpointPolicy policy);

  absl::StatusOr<AdmittedEndpoints> Admit(
      const std::vector<DnsService>& services,
      const std::map<std::string, std::vector<std::string>>& addresses) const;

  const std::string service_;
  const EndpointPolicy policy_;
  DnsHostAddresses addresses_;
};

// The weight of an endpoint whose SRV record has `weight`.
uint32_t WeightOfService(uint16_t weight);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_SERVICE_SOURCE_H_
