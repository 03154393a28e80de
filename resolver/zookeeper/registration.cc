#include "multi_backend/resolver/zookeeper/registration.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "multi_backend/resolver/source/registry.h"
#include "multi_backend/resolver/source/store_authority.h"
#include "multi_backend/resolver/zookeeper/endpoint_group.h"
#include "multi_backend/resolver/zookeeper/registrar.h"
#include "multi_backend/resolver/zookeeper/target.h"

namespace multi_backend {
namespace {

absl::Status Check(const SourceTarget& target) {
  return ZookeeperTarget::Parse(target.authority, target.path).status();
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
    const SourceTarget& target) {
  return ZookeeperEndpointGroup::Make(target.authority, target.path);
}

std::string DefaultAuthority(const SourceTarget& target) {
  return AuthorityOfStorePath(target.path);
}

absl::StatusOr<std::unique_ptr<Registrar>> MakeRegistrar(
    const SourceTarget& target, const Endpoint& endpoint,
    const RegistrarOptions& options) {
  return ZookeeperRegistrar::Make(target.authority, target.path, endpoint,
                                  options);
}

constexpr SourceKind kZookeeper = {Check, Make, DefaultAuthority,
                                   MakeRegistrar};

}  // namespace

absl::Status RegisterZookeeper() {
  return SourceRegistry::Register("zookeeper", &kZookeeper);
}

}  // namespace multi_backend
