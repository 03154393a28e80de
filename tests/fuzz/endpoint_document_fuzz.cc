// Fuzzes ParseEndpointDocument().  What it admits must obey the policy.  A
// document written from the result must read the same, with nothing refused.
// Each document must read as protobuf reads it.
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
#include "multi_backend/tests/testing/endpoint_document_oracle.h"

namespace multi_backend {
namespace {

// The text comes from a document, so it is UTF-8.
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

// Checks that valid JSON is read as protobuf reads it.
void CheckReadAsProtobufDoes(absl::string_view json) {
  if (!kProtobufIsTheOracle) return;
  const auto ours = ParseEndpointDocument(json, EndpointPolicy());
  if (absl::StartsWith(ours.status().message(), "line ") ||
      absl::IsResourceExhausted(ours.status())) {
    return;
  }
  // Inside a list, protobuf takes the value of a member without a name for one
  // more element of the list.  This library refuses such a document.
  if (absl::StrContains(ours.status().message(), "members have names")) return;
  const auto theirs = ReadEndpointsByProtobuf(json, EndpointPolicy());
  if (ours.ok() && !theirs.ok()) {
    // protobuf reads the numbers of unknown members too.
    FUZZ_CHECK(absl::StrContains(theirs.status().message(),
                                 "exceeds the range of double"));
    return;
  }
  FUZZ_CHECK(ours.status().code() == theirs.status().code());
  if (!ours.ok()) return;
  FUZZ_CHECK(ours->endpoints == theirs->endpoints);
  FUZZ_CHECK(ours->refused.shown == theirs->refused.shown);
}

}  // namespace
}  // namespace multi_backend

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multi_backend;
  const absl::string_view json = AsText(data, size);
  Check(json, EndpointPolicy());
  CheckReadAsProtobufDoes(json);
  Check(json, ListPolicy());
  Check(json, TightPolicy());
  return 0;
}
