#include "multi_backend/resolver/grpc/etcd/registration.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "multi_backend/resolver/etcd/target.h"
#include "multi_backend/resolver/grpc/etcd/endpoint_group.h"
#include "multi_backend/resolver/grpc/etcd/registrar.h"
#include "multi_backend/resolver/source/registry.h"
#include "multi_backend/resolver/source/store_authority.h"

namespace multi_backend {
namespace {

absl::Status Check(const SourceTarget& target) {
  return ParseEtcdTarget(target.authority, target.path).status();
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
    const SourceTarget& target) {
  const auto etcd = ParseEtcdTarget(target.authority, target.path);
  if (!etcd.ok()) return etcd.status();
  return EtcdEndpointGroup::Make(target.authority, etcd->prefix);
}

std::string DefaultAuthority(const SourceTarget& target) {
  return AuthorityOfStorePath(target.path);
}

absl::StatusOr<std::unique_ptr<Registrar>> MakeRegistrar(
    const SourceTarget& target, const Endpoint& endpoint,
    const RegistrarOptions& options) {
  const auto etcd = ParseEtcdTarget(target.authority, target.path);
  if (!etcd.ok()) return etcd.status();
  return EtcdRegistrar::Make(target.authority, etcd->prefix, endpoint, options);
}

constexpr SourceKind kEtcd = {Check, Make, DefaultAuthority, MakeRegistrar};

}  // namespace

absl::Status RegisterEtcd() { return SourceRegistry::Register("etcd", &kEtcd); }

}  // namespace multi_backend
