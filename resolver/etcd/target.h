// EtcdTarget: the parts of an etcd target:
//
//   etcd://h1:2379,h2:2379/services/users/
//
// They are the cluster's servers and the prefix of the keys, here
// "/services/users/" with its slashes.  A missing last slash is added, so that
// "/services/users" does not also match "/services/users2".
//
// A target must not contain credentials, because it is shown in logs and error
// texts.
//
// Pure and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_ETCD_TARGET_H_
#define MULTI_BACKEND_RESOLVER_ETCD_TARGET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

struct EtcdTarget {
  EndpointList servers;  // At least one.
  std::string prefix;    // Of the keys; not empty.

  // "etcd://h1:2379,h2:2379/services/users/"
  std::string ToString() const;
};

// `servers`: "h1:2379,h2:2379", 1 to 32 of them (default port 2379).  Errors as
// of ParseEtcdTarget().
absl::StatusOr<EndpointList> ParseEtcdServers(absl::string_view servers);

// `authority` and `path` are those of the URI, percent-decoded.
// INVALID_ARGUMENT says what is wrong, and never quotes what may be a password.
absl::StatusOr<EtcdTarget> ParseEtcdTarget(absl::string_view authority,
                                           absl::string_view path);

// The end of the range of all keys that begin with `prefix`, for etcd's range
// requests.
std::string EndOfPrefix(absl::string_view prefix);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ETCD_TARGET_H_
