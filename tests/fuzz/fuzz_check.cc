#include "multi_backend/tests/fuzz/fuzz_check.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/resolver/endpoint/abbreviated_list.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/ip_address.h"

namespace multi_backend {
namespace {

// A message may quote some pieces of its input, each of at most 300 bytes, and
// an escaped byte takes four characters.
constexpr size_t kLongestMessage = 4000;

EndpointPolicy MakePolicy(const EndpointPolicy::Options& options) {
  auto policy = EndpointPolicy::Make(options);
  FUZZ_CHECK(policy.ok());
  return *policy;
}

bool IsPrintable(absl::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
}

void CheckEndpoint(const Endpoint& endpoint, const EndpointPolicy& policy) {
  FUZZ_CHECK(policy.ReasonToRefuse(endpoint).empty());
  const auto again = Endpoint::Parse(endpoint.address());
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->host == endpoint.host && again->port == endpoint.port);
  FUZZ_CHECK(endpoint.port != 0);
  const auto address = IpAddress::Parse(endpoint.host);
  FUZZ_CHECK(!address.has_value() || UndialableKind(*address).empty());
  FUZZ_CHECK(endpoint.weight <= kMaxEndpointWeight);
  FUZZ_CHECK(endpoint.role.size() <= 64);
  FUZZ_CHECK(endpoint.zone.size() <= policy.limits().max_label_bytes);
  FUZZ_CHECK(endpoint.labels.size() <= policy.limits().max_labels);
  for (const auto& label : endpoint.labels) {
    FUZZ_CHECK(!label.first.empty());
    FUZZ_CHECK(label.first.size() <= policy.limits().max_label_bytes);
    FUZZ_CHECK(label.second.size() <= policy.limits().max_label_bytes);
  }
}

}  // namespace

void FailFuzzCheck(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  std::abort();
}

const EndpointPolicy& ListPolicy() {
  static const EndpointPolicy* const policy = new EndpointPolicy(
      MakePolicy({{},
                  {"10.0.0.0/8", "127.0.0.0/8", "2001:db8::/32", "example"},
                  {"10.1.0.0/16", "secret.example"}}));
  return *policy;
}

const EndpointPolicy& TightPolicy() {
  static const EndpointPolicy* const policy = [] {
    EndpointPolicy::Options options;
    options.limits = {512, 3, 2, 8};
    return new EndpointPolicy(MakePolicy(options));
  }();
  return *policy;
}

void CheckAdmitted(const AdmittedEndpoints& admitted,
                   const EndpointPolicy& policy) {
  FUZZ_CHECK(admitted.endpoints.size() + admitted.refused.count <=
             policy.limits().max_endpoints);
  std::set<std::string> keys;
  for (const Endpoint& endpoint : admitted.endpoints) {
    CheckEndpoint(endpoint, policy);
    FUZZ_CHECK(keys.insert(endpoint.key()).second);
  }
  const Refusals& refused = admitted.refused;
  FUZZ_CHECK(refused.shown.size() == std::min(refused.count, kMostNamed));
  for (const std::string& text : refused.shown) {
    FUZZ_CHECK(!text.empty() && text.size() <= kLongestMessage);
    FUZZ_CHECK(IsPrintable(text));
  }
}

void CheckAdmission(const Endpoint& endpoint, const EndpointPolicy& policy) {
  EndpointAdmission admission(policy);
  admission.Offer(endpoint, "record");
  admission.Offer(endpoint, "record");
  const auto admitted = std::move(admission).Finish();
  FUZZ_CHECK(admitted.ok());
  FUZZ_CHECK(admitted->endpoints.size() + admitted->refused.count == 2);
  FUZZ_CHECK(admitted->endpoints.size() <= 1);
  CheckAdmitted(*admitted, policy);
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isascii(static_cast<unsigned char>(c));
  });
}

void CheckError(const absl::Status& status) {
  FUZZ_CHECK(!status.ok());
  FUZZ_CHECK(!status.message().empty());
  FUZZ_CHECK(status.message().size() <= kLongestMessage);
  FUZZ_CHECK(IsPrintable(status.message()));
}

}  // namespace multi_backend
