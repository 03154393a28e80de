// The :authority of calls to a service that a store (ZooKeeper, etcd) lists.
// Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_STORE_AUTHORITY_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_STORE_AUTHORITY_H_

#include <string>

#include "absl/strings/string_view.h"

namespace multi_backend {

// The last part of the service's path in the store, which is the application's
// own word for the service: "users" of "/services/users" and of
// "/services/users/".  "localhost" when that part cannot be a host name.
std::string AuthorityOfStorePath(absl::string_view path);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_STORE_AUTHORITY_H_
