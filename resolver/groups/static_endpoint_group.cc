#include "multi_backend/resolver/groups/static_endpoint_group.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace multi_backend {

absl::StatusOr<std::shared_ptr<EndpointGroup>> StaticEndpointGroup::Make(
    EndpointList endpoints) {
  if (endpoints.empty()) {
    return absl::InvalidArgumentError(
        "static endpoint group: no endpoints, at least one is needed");
  }
  const absl::Status status = CheckEndpoints(endpoints);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("static endpoint group: ", status.message()));
  }
  return std::shared_ptr<EndpointGroup>(
      absl::WrapUnique(new StaticEndpointGroup(std::move(endpoints))));
}

StaticEndpointGroup::StaticEndpointGroup(EndpointList endpoints)
    : name_(absl::StrCat("static:///", NameEndpoints(endpoints))) {
  SetEndpoints(std::move(endpoints));
}

std::string StaticEndpointGroup::Name() const { return name_; }

}  // namespace multi_backend
