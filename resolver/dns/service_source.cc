#include "multi_backend/resolver/dns/service_source.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

// The largest SRV weight, 65535, stays below the largest weight, and 100
// becomes the default weight.
constexpr uint32_t kWeightFactor = 10;

// The record says that there is no such service (RFC 2782).
bool IsNoService(const DnsService& service) { return service.target.empty(); }

// The order does not depend on the order of the answer.
void Sort(std::vector<DnsService>& services) {
  std::sort(services.begin(), services.end(),
            [](const DnsService& a, const DnsService& b) {
              return std::tie(a.priority, a.target, a.port, a.weight) <
                     std::tie(b.priority, b.target, b.port, b.weight);
            });
}

}  // namespace

uint32_t WeightOfService(uint16_t weight) {
  return weight == 0 ? 1 : kWeightFactor * weight;
}

absl::StatusOr<std::unique_ptr<DnsSource>> DnsServiceSource::Make(
    absl::string_view service, EndpointPolicy policy) {
  const absl::Status status = CheckDnsName(service);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("dns+srv target: ", status.message()));
  }
  return std::unique_ptr<DnsSource>(absl::WrapUnique(
      new DnsServiceSource(std::string(service), std::move(policy))));
}

DnsServiceSource::DnsServiceSource(std::string service, EndpointPolicy policy)
    : service_(std::move(service)), policy_(std::move(policy)) {}

absl::StatusOr<DnsResolution> DnsServiceSource::Resolve(AskDns ask) {
  const DnsQuestion question = {service_, DnsType::kSrv};
  std::vector<DnsResult> results = ask({question});
  if (!results[0].ok()) return WithQuestion(question, results[0].status());
  DnsAnswer& answer = *results[0];
  answer.services.erase(std::remove_if(answer.services.begin(),
                                       answer.services.end(), IsNoService),
                        answer.services.end());
  if (answer.services.empty()) {
    return WithQuestion(question,
                        absl::NotFoundError("the service is not available"));
  }
  if (answer.services.size() > policy_.limits().max_endpoints) {
    return WithQuestion(question,
                        absl::ResourceExhaustedError("too many records"));
  }
  Sort(answer.services);

  std::set<std::string> hosts;
  for (const DnsService& service : answer.services) {
    if (CheckDnsName(service.target).ok()) hosts.insert(service.target);
  }
  std::vector<DnsAddress>& learned = answer.additional;
  learned.erase(std::remove_if(learned.begin(), learned.end(),
                               [&hosts](const DnsAddress& address) {
                                 return hosts.count(address.owner) == 0;
                               }),
                learned.end());
  const DnsHostAddresses::Resolved resolved =
      addresses_.Resolve({hosts.begin(), hosts.end()}, learned, ask);
  DnsResolution resolution;
  resolution.ttl = std::min(answer.ttl, resolved.ttl);
  resolution.error = resolved.error;

  auto admitted = Admit(answer.services, resolved.addresses);
  if (!admitted.ok()) return WithQuestion(question, admitted.status());
  // When addresses could not be learned, the result is that error, and not that
  // there are no endpoints.
  if (admitted->endpoints.empty() && !resolution.error.ok()) {
    return resolution.error;
  }
  resolution.admitted = *std::move(admitted);
  return resolution;
}

absl::StatusOr<AdmittedEndpoints> DnsServiceSource::Admit(
    const std::vector<DnsService>& services,
    const std::map<std::string, std::vector<std::string>>& addresses) const {
  EndpointAdmission admission(policy_);
  for (const DnsService& service : services) {
    const std::string where = absl::StrCat("target ", service.target);
    const auto found = addresses.find(service.target);
    if (found == addresses.end()) {
      admission.Refuse(where, "not a host name");
      continue;
    }
    if (found->second.empty()) admission.Refuse(where, "no address is known");
    for (const std::string& address : found->second) {
      Endpoint endpoint = Endpoint::Of(address, service.port)
                              .WithWeight(WeightOfService(service.weight));
      endpoint.priority = service.priority;
      admission.Offer(std::move(endpoint), where, service.target);
    }
  }
  return std::move(admission).Finish();
}

}  // namespace multi_backend
