// Fuzzes the path of a DNS answer from the packet through the sources.
// Whatever the packet, the endpoints must obey the policy.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "multi_backend/resolver/dns/address_source.h"
#include "multi_backend/resolver/dns/records.h"
#include "multi_backend/resolver/dns/service_source.h"
#include "multi_backend/resolver/dns/text_source.h"
#include "multi_backend/resolver/endpoint/ip_address.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/tests/fuzz/fuzz_check.h"

namespace multi_backend {
namespace {

void CheckAnswer(const DnsAnswer& answer) {
  for (const auto* addresses : {&answer.addresses, &answer.additional}) {
    for (const DnsAddress& address : *addresses) {
      FUZZ_CHECK(IpAddress::Parse(address.ip).has_value());
      FUZZ_CHECK(address.ttl >= absl::ZeroDuration());
    }
  }
  FUZZ_CHECK(answer.ttl >= absl::ZeroDuration());
}

// Gives the same answer to every question.
void CheckSourceWith(const DnsResult& answer,
                     absl::StatusOr<std::unique_ptr<DnsSource>> source,
                     const EndpointPolicy& policy) {
  FUZZ_CHECK(source.ok());
  const auto resolution =
      (*source)->Resolve([&](const std::vector<DnsQuestion>& questions) {
        return std::vector<DnsResult>(questions.size(), answer);
      });
  if (!resolution.ok()) {
    CheckError(resolution.status());
    return;
  }
  FUZZ_CHECK(resolution->ttl >= absl::ZeroDuration());
  CheckAdmitted(resolution->admitted, policy);
}

}  // namespace
}  // namespace multi_backend

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multi_backend;
  const DnsResult answer = ParseDnsAnswer(data, size);
  if (!answer.ok()) {
    CheckError(answer.status());
    return 0;
  }
  CheckAnswer(*answer);
  // These policies have no list of names, because names in answers are on none.
  for (const EndpointPolicy& policy : {EndpointPolicy(), TightPolicy()}) {
    CheckSourceWith(answer, DnsAddressSource::Make("users.example:80", policy),
                    policy);
    CheckSourceWith(answer, DnsServiceSource::Make("_s._tcp.example", policy),
                    policy);
    CheckSourceWith(answer, DnsTextSource::Make("users.example", policy),
                    policy);
  }
  return 0;
}
