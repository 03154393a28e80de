// Fuzzes ParseTextRecord().  A record written from what was read must read the
// same.  What a policy admits must obey the policy.
#include <string>

#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/endpoint/text_record.h"
#include "multi_backend/tests/fuzz/fuzz_check.h"

namespace multi_backend {
namespace {

std::string Write(const Endpoint& endpoint) {
  std::string record = absl::StrCat(
      endpoint.address(), " weight=", endpoint.weight, " role=", endpoint.role,
      " zone=", endpoint.zone, " priority=", endpoint.priority);
  for (const auto& label : endpoint.labels) {
    absl::StrAppend(&record, "\tlabel.", label.first, "=", label.second);
  }
  return record;
}

}  // namespace
}  // namespace multi_backend

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multi_backend;
  const auto endpoint = ParseTextRecord(AsText(data, size));
  if (!endpoint.ok()) {
    CheckError(endpoint.status());
    return 0;
  }
  FUZZ_CHECK(endpoint->weight <= 1000000);
  const auto again = ParseTextRecord(Write(*endpoint));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(*again == *endpoint);
  CheckAdmission(*endpoint, EndpointPolicy());
  CheckAdmission(*endpoint, ListPolicy());
  CheckAdmission(*endpoint, TightPolicy());
  return 0;
}
