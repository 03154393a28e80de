#include "multi_backend/resolver/grpc/registrar_factory.h"

#include <utility>

#include "absl/status/status.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/resolver/etcd/target.h"
#include "multi_backend/resolver/grpc/etcd/registrar.h"
#include "multi_backend/resolver/zookeeper/registrar.h"

namespace multi_backend {

absl::StatusOr<std::unique_ptr<Registrar>> MakeRegistrar(
    absl::string_view target, Endpoint endpoint, RegistrarOptions options) {
  const absl::StatusOr<grpc_core::URI> uri = grpc_core::URI::Parse(target);
  if (uri.ok() && uri->scheme() == "etcd") {
    const auto etcd = ParseEtcdTarget(uri->authority(), uri->path());
    if (!etcd.ok()) return etcd.status();
    return EtcdRegistrar::Make(uri->authority(), etcd->prefix, endpoint,
                               std::move(options));
  }
  if (uri.ok() && uri->scheme() == "zookeeper") {
    return ZookeeperRegistrar::Make(uri->authority(), uri->path(), endpoint,
                                    std::move(options));
  }
  // Without the target, which may have a password where none belongs.
  return absl::InvalidArgumentError(
      "registrar target: write zookeeper://host:port/path or "
      "etcd://host:port/prefix/");
}

}  // namespace multi_backend
