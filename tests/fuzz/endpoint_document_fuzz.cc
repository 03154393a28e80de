// ParseEndpointDocument(): what it admits keeps to the policy, and a document
// written anew from that reads the same, with nothing refused.
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/file/endpoint_document.h"
#include "multi_backend/tests/fuzz/fuzz_check.h"

namespace multi_backend {
namespace {

// The text is UTF-8, since it comes from a document.
std::string Quote(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<int>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Write(const Endpoint& endpoint) {
  const auto label = [](std::string* out, const auto& entry) {
    absl::StrAppend(out, Quote(entry.first), ":", Quote(entry.second));
  };
  return absl::StrCat(
      "{\"address\":", Quote(endpoint.address()),
      ",\"weight\":", endpoint.weight, ",\"priority\":", endpoint.priority,
      ",\"role\":", Quote(endpoint.role), ",\"zone\":", Quote(endpoint.zone),
      ",\"labels\":{", absl::StrJoin(endpoint.labels, ",", label), "}}");
}

std::string Write(const EndpointList& endpoints) {
  const auto write = [](std::string* out, const Endpoint& endpoint) {
    absl::StrAppend(out, Write(endpoint));
  };
  return absl::StrCat("{\"endpoints\":[", absl::StrJoin(endpoints, ",", write),
                      "]}");
}

void Check(absl::string_view json, const EndpointPolicy& policy) {
  const auto admitted = ParseEndpointDocument(json, policy);
  if (json.size() > policy.limits().max_document_bytes) {
    FUZZ_CHECK(absl::IsResourceExhausted(admitted.status()));
  }
  if (!admitted.ok()) {
    CheckError(admitted.status());
    return;
  }
  CheckAdmitted(*admitted, policy);
  const std::string written = Write(admitted->endpoints);
  if (written.size() > policy.limits().max_document_bytes) return;
  const auto again = ParseEndpointDocument(written, policy);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->endpoints == admitted->endpoints);
  FUZZ_CHECK(again->refused.count == 0);
}

// What is read plainly must be what protobuf reads, to which a member that the
// schema does not know leaves the document.
void CheckReadersAgree(absl::string_view json) {
  constexpr absl::string_view kSpace = " \t\n\r";
  const size_t brace = json.find_first_not_of(kSpace);
  if (brace == absl::string_view::npos || json[brace] != '{' ||
      json.size() > 1 << 19) {
    return;
  }
  const absl::string_view rest = json.substr(brace + 1);
  const size_t first = rest.find_first_not_of(kSpace);
  const bool empty = first == absl::string_view::npos || rest[first] == '}';
  const auto plainly = ParseEndpointDocument(json, EndpointPolicy());
  const auto in_full = ParseEndpointDocument(
      absl::StrCat("{\"?\":0", empty ? "" : ",", rest), EndpointPolicy());
  // It may have been there already.
  if (plainly.ok() != in_full.ok()) {
    FUZZ_CHECK(absl::StrContains(json, "\"?\""));
    return;
  }
  FUZZ_CHECK(!plainly.ok() || plainly->endpoints == in_full->endpoints);
}

}  // namespace
}  // namespace multi_backend

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multi_backend;
  const absl::string_view json = AsText(data, size);
  Check(json, EndpointPolicy());
  CheckReadersAgree(json);
  Check(json, ListPolicy());
  Check(json, TightPolicy());
  return 0;
}
