// ZookeeperTarget: the location of a ZooKeeper node,
// "zookeeper://h1:2181,h2:2181/services/users", and the reader of the
// credentials for it, which are never part of a target.
//
// Thread-safe.  Only ReadZookeeperCredentials() does I/O: it reads a file and
// the environment.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_TARGET_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_TARGET_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

struct ZookeeperTarget {
  std::string servers;  // "h1:2181,[::1]:2181"; each with its port.
  std::string path;     // "/services/users": absolute, no slash at the end.

  // `authority` lists 1 to 32 servers, separated by commas: "host", "host:port"
  // or "[v6]:port" (default port 2181).  `path` is the node's.
  // INVALID_ARGUMENT says what is wrong, without quoting an authority that may
  // hold credentials.
  static absl::StatusOr<ZookeeperTarget> Parse(absl::string_view authority,
                                               absl::string_view path);

  // "users" of "/services/users".
  absl::string_view service() const;
  std::string ToString() const;  // "zookeeper://h1:2181/services/users".
};

// INVALID_ARGUMENT unless `name` can be the last part of a node's path.
absl::Status CheckZookeeperName(absl::string_view name);

// Returns "user:password" for the scheme `digest`, or "" when there is none.
// It is read from `file`.  When that is "", it is read from the file that the
// environment variable MULTI_BACKEND_ZOOKEEPER_AUTH_FILE names, or else from
// the variable MULTI_BACKEND_ZOOKEEPER_AUTH.  No error text shows any of it.
absl::StatusOr<std::string> ReadZookeeperCredentials(const std::string& file);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_TARGET_H_
