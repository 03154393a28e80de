#include "multi_backend/registrar.h"

#include "absl/status/status.h"
#include "multi_backend/linked_parts.h"
#include "multi_backend/port/core.h"
#include "multi_backend/resolver/source/registry.h"

namespace multi_backend {

absl::StatusOr<std::unique_ptr<Registrar>> MakeRegistrar(
    absl::string_view target, const Endpoint& endpoint,
    const RegistrarOptions& options) {
  const absl::Status linked = RegisterLinkedParts();
  if (!linked.ok()) return linked;
  const absl::StatusOr<grpc_core::URI> uri = grpc_core::URI::Parse(target);
  if (!uri.ok() || !SourceRegistry::Knows(uri->scheme())) {
    // Without the target, which may have a password where none belongs.
    return absl::InvalidArgumentError(
        "registrar target: write zookeeper://host:port/path or "
        "etcd://host:port/prefix/");
  }
  return MakeSourceRegistrar({uri->scheme(), uri->authority(), uri->path()},
                             endpoint, options);
}

}  // namespace multi_backend
