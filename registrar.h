// A server that lists itself in ZooKeeper or etcd, so that clients which follow
// the store find it.
//
//   zookeeper://h1:2181,h2:2181/services/users
//   etcd://h1:2379,h2:2379/services/users/
//
//   auto registrar = multi_backend::MakeRegistrar(
//       "etcd://127.0.0.1:2379/services/users/",
//       multi_backend::Endpoint::Of("10.0.0.1", port));
//
// API of this header: MakeRegistrar, Registrar, RegistrarOptions,
// BackoffOptions, Endpoint.
#ifndef MULTI_BACKEND_REGISTRAR_H_
#define MULTI_BACKEND_REGISTRAR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/source/registrar.h"

namespace multi_backend {

// Does not wait for the store.  INVALID_ARGUMENT: a scheme without registrar,
// a store that is not linked (the text says what to link and to call), a target
// that cannot be read, an endpoint that clients would refuse.  Thread-safe.
//
// Needs no Register(); but a process that also uses CreateChannel() must call
// Register() before it lists itself in etcd, because the connection to etcd is
// a channel of gRPC's.
absl::StatusOr<std::unique_ptr<Registrar>> MakeRegistrar(
    absl::string_view target, const Endpoint& endpoint,
    const RegistrarOptions& options = {});

}  // namespace multi_backend

#endif  // MULTI_BACKEND_REGISTRAR_H_
