#include "multi_backend/resolver/file/registration.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/file/endpoint_group.h"
#include "multi_backend/resolver/source/registry.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

absl::Status Check(const SourceTarget& target) {
  // file://host/path is a file of another machine.  What stands before an "@"
  // may be a password, which no text must show.
  const absl::string_view host =
      target.authority.substr(target.authority.rfind('@') + 1);
  if (!target.authority.empty() && target.authority != "localhost") {
    return absl::InvalidArgumentError(absl::StrCat(
        "file target: host ", Quoted(host), ": write file:///absolute/path"));
  }
  return FileEndpointGroup::CheckPath(target.path);
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
    const SourceTarget& target) {
  const absl::Status status = Check(target);
  if (!status.ok()) return status;
  return FileEndpointGroup::Make(target.path);
}

std::string DefaultAuthority(const SourceTarget&) { return "localhost"; }

constexpr SourceKind kFile = {Check, Make, DefaultAuthority};

}  // namespace

absl::Status RegisterFile() { return SourceRegistry::Register("file", &kFile); }

}  // namespace multi_backend
