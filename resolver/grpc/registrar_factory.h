// The registrar of a target: the store that its scheme says.
//
//   zookeeper://h1:2181,h2:2181/services/users
//   etcd://h1:2379,h2:2379/services/users/
//
//   auto registrar = multi_backend::MakeRegistrar(
//       "etcd://127.0.0.1:2379/services/users/",
//       Endpoint::Of("10.0.0.1", port));
//
// resolver/source/registrar.h says what it does.  Needs no Register(); but a
// process that also uses CreateChannel() must call Register() before it
// registers in etcd.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_REGISTRAR_FACTORY_H_
#define MULTI_BACKEND_RESOLVER_GRPC_REGISTRAR_FACTORY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/source/registrar.h"

namespace multi_backend {

// Does not wait for the store.  INVALID_ARGUMENT: another scheme, a target that
// cannot be read, an endpoint that clients would refuse.
absl::StatusOr<std::unique_ptr<Registrar>> MakeRegistrar(
    absl::string_view target, Endpoint endpoint, RegistrarOptions options = {});

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_REGISTRAR_FACTORY_H_
