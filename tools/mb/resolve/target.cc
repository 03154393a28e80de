#include "multi_backend/tools/mb/resolve/target.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/port/core.h"
#include "multi_backend/resolver/groups/static_endpoint_group.h"
#include "multi_backend/resolver/groups/static_target.h"
#include "multi_backend/resolver/source/registry.h"

namespace multi_backend {
namespace mb {
namespace {

absl::Status NotResolvedHere(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat(why, "; write static:///host:port,host:port or a target of ",
                   absl::StrJoin(SourceRegistry::Schemes(), ":, "), ":"));
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> OpenList(
    absl::string_view path) {
  auto endpoints = ParseStaticTarget(path);
  if (!endpoints.ok()) return endpoints.status();
  if (endpoints->empty()) {
    return NotResolvedHere(
        "the target static:/// stands for the `backends` of a configuration");
  }
  return StaticEndpointGroup::Make(*std::move(endpoints));
}

}  // namespace

absl::StatusOr<std::shared_ptr<EndpointGroup>> OpenTarget(
    const std::string& target) {
  const absl::StatusOr<grpc_core::URI> uri = grpc_core::URI::Parse(target);
  if (!uri.ok()) return NotResolvedHere("the target is not a URI");
  if (uri->scheme() == "static") return OpenList(uri->path());
  if (uri->scheme() == "group") {
    return NotResolvedHere(
        "a group: target exists only in the application that registers it");
  }
  if (!SourceRegistry::Knows(uri->scheme())) {
    return NotResolvedHere("the target is resolved by gRPC itself");
  }
  return MakeSource({uri->scheme(), uri->authority(), uri->path()});
}

}  // namespace mb
}  // namespace multi_backend
