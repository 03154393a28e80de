// DnsServiceSource: the source of
// `dns+srv://[server:port]/_grpc._tcp.users.example`.  Its endpoints are the
// addresses of the targets of SRV records (RFC 2782).
//
// Each address of a target has the record's port, the record's priority as
// Endpoint::priority (so PRIMARY uses the tiers in their order), and ten times
// the record's weight, so that 100 becomes the default weight of 1000.  Weight
// 0, which means the smallest share in SRV, becomes 1: a tenth of the share of
// weight 1.
//
// Addresses are taken from the additional section.  The family of a target that
// it lacks, A or AAAA, is asked for.
//
// Threads: as DnsSource.
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
  // INVALID_ARGUMENT when `service` is not a DNS name.
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
