// Fuzzes ParseZookeeperRecord().  An instance written from what was read must
// read the same.  What a policy admits must obey the policy.
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/zookeeper/record.h"
#include "multi_backend/tests/fuzz/fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multi_backend;
  const absl::string_view text = AsText(data, size);
  const auto endpoint = ParseZookeeperRecord(text);
  if (!endpoint.ok()) {
    CheckError(endpoint.status());
    return 0;
  }
  FUZZ_CHECK(size <= kMaxZookeeperRecordBytes);
  CheckAdmission(*endpoint, EndpointPolicy());
  CheckAdmission(*endpoint, ListPolicy());
  CheckAdmission(*endpoint, TightPolicy());
  // JSON holds only UTF-8, and a writer writes only endpoints that are
  // admitted.
  if (!EndpointPolicy().ReasonToRefuse(*endpoint).empty() || !IsAscii(text)) {
    return 0;
  }
  const auto again = ParseZookeeperRecord(
      FormatZookeeperRecord(*endpoint, "users", "1", absl::UnixEpoch()));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(*again == *endpoint);
  return 0;
}
