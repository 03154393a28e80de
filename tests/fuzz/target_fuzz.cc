// Fuzzes targets.  A target that is accepted can be written again, and its
// authority has only characters that a header may have.
#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/dns/registration.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/file/registration.h"
#include "multi_backend/resolver/groups/group_name.h"
#include "multi_backend/resolver/groups/static_target.h"
#include "multi_backend/resolver/source/registry.h"
#include "multi_backend/resolver/zookeeper/registration.h"
#include "multi_backend/tests/fuzz/fuzz_check.h"

namespace multi_backend {
namespace {

void CheckStatic(absl::string_view path) {
  const auto endpoints = ParseStaticTarget(path);
  if (!endpoints.ok()) {
    CheckError(endpoints.status());
    return;
  }
  FUZZ_CHECK(endpoints->size() <= kMaxTargetEndpoints);
  FUZZ_CHECK(CheckEndpoints(*endpoints).ok());
  const auto write = [](std::string* out, const Endpoint& endpoint) {
    out->append(endpoint.address());
  };
  const auto again = ParseStaticTarget(absl::StrJoin(*endpoints, ",", write));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(*again == *endpoints);
}

void CheckGroup(absl::string_view path) {
  const auto name = ParseGroupTarget(path);
  if (!name.ok()) {
    CheckError(name.status());
    return;
  }
  FUZZ_CHECK(CheckGroupName(*name).ok());
  FUZZ_CHECK(*name == absl::StripPrefix(path, "/"));
}

void CheckSourceTarget(const SourceTarget& target) {
  const absl::Status status = CheckSource(target);
  if (!status.ok()) {
    CheckError(status);
    return;
  }
  const std::string name = DefaultAuthorityOfSource(target);
  FUZZ_CHECK(!name.empty());
  FUZZ_CHECK(std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  }));
}

}  // namespace
}  // namespace multi_backend

// The input is "authority/path", the part of a target after "scheme://".
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multi_backend;
  static const bool registered =
      RegisterFile().ok() && RegisterDns().ok() && RegisterZookeeper().ok();
  FUZZ_CHECK(registered);
  const absl::string_view text = AsText(data, size);
  CheckStatic(text);
  CheckGroup(text);
  const size_t slash = std::min(text.find('/'), text.size());
  for (const absl::string_view scheme : SourceRegistry::Schemes()) {
    if (!SourceRegistry::Find(scheme).ok()) continue;  // etcd is not linked.
    CheckSourceTarget({scheme, text.substr(0, slash), text.substr(slash)});
  }
  FUZZ_CHECK(!CheckSource({"static", "", text}).ok());
  return 0;
}
