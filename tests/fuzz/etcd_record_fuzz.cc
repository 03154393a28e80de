// Fuzzes ParseEtcdRecord() and EtcdRecords.  A value written from what was read
// must read the same.  A series of events must lead to the same result as the
// final state of the store.
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/etcd/record.h"
#include "multi_backend/resolver/etcd/records.h"
#include "multi_backend/tests/fuzz/fuzz_check.h"

namespace multi_backend {
namespace {

void CheckValue(absl::string_view value) {
  const auto endpoint = ParseEtcdRecord(value);
  if (!endpoint.ok()) {
    CheckError(endpoint.status());
    return;
  }
  FUZZ_CHECK(value.size() <= kMaxEtcdRecordBytes);
  CheckAdmission(*endpoint, EndpointPolicy());
  CheckAdmission(*endpoint, ListPolicy());
  CheckAdmission(*endpoint, TightPolicy());
  // JSON holds only UTF-8, and a writer writes only endpoints that are
  // admitted.
  if (!EndpointPolicy().ReasonToRefuse(*endpoint).empty() || !IsAscii(value)) {
    return;
  }
  const auto again = ParseEtcdRecord(FormatEtcdRecord(*endpoint));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(*again == *endpoint);
}

// Each line is an event: "key value", or "-key" for a deletion.
void CheckEvents(absl::string_view text, const EndpointPolicy& policy) {
  EtcdRecords records(policy);
  std::map<std::string, std::string> state;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "-")) {
      records.Delete(line);
      state.erase(std::string(line));
      continue;
    }
    const std::pair<std::string, std::string> event =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    records.Put(event.first, event.second);
    state[event.first] = event.second;
  }
  FUZZ_CHECK(records.size() == state.size());
  EtcdRecords fresh(policy);
  for (const auto& entry : state) fresh.Put(entry.first, entry.second);
  const auto admitted = records.Admit();
  const auto wanted = fresh.Admit();
  FUZZ_CHECK(admitted.ok() == wanted.ok());
  if (!admitted.ok()) {
    CheckError(admitted.status());
    return;
  }
  CheckAdmitted(*admitted, policy);
  FUZZ_CHECK(admitted->endpoints == wanted->endpoints);
  FUZZ_CHECK(admitted->refused.shown == wanted->refused.shown);
}

}  // namespace
}  // namespace multi_backend

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multi_backend;
  const absl::string_view text = AsText(data, size);
  CheckValue(text);
  CheckEvents(text, ListPolicy());
  CheckEvents(text, TightPolicy());
  return 0;
}
