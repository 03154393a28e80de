#include "multi_backend/resolver/dns/address_source.h"

#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

absl::StatusOr<std::unique_ptr<DnsSource>> DnsAddressSource::Make(
    absl::string_view address, EndpointPolicy policy) {
  auto endpoint = Endpoint::Parse(address);
  const absl::Status status =
      endpoint.ok() ? CheckDnsName(endpoint->host) : endpoint.status();
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("dns+addr target: ", status.message()));
  }
  return std::unique_ptr<DnsSource>(absl::WrapUnique(new DnsAddressSource(
      std::move(endpoint->host), endpoint->port, std::move(policy))));
}

DnsAddressSource::DnsAddressSource(std::string host, uint16_t port,
                                   EndpointPolicy policy)
    : host_(std::move(host)), port_(port), policy_(std::move(policy)) {}

std::string DnsAddressSource::name() const {
  return absl::StrCat(host_, ":", port_);
}

absl::StatusOr<DnsResolution> DnsAddressSource::Resolve(AskDns ask) {
  const DnsHostAddresses::Resolved resolved =
      addresses_.Resolve({host_}, /*learned=*/{}, ask);
  if (!resolved.anything_learned) return resolved.error;
  const std::vector<std::string>& addresses = resolved.addresses.at(host_);
  if (addresses.empty()) {
    if (!resolved.error.ok()) return resolved.error;
    return absl::NotFoundError(absl::StrCat(host_, " has no A or AAAA record"));
  }
  EndpointAdmission admission(policy_, addresses.size());
  for (const std::string& address : addresses) {
    admission.Offer(Endpoint::Of(address, port_), host_, host_);
  }
  auto admitted = std::move(admission).Finish();
  if (!admitted.ok()) return admitted.status();
  return DnsResolution{*std::move(admitted), resolved.ttl, resolved.error};
}

}  // namespace multi_backend
