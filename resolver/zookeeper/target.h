// Where a ZooKeeper node is: "zookeeper://h1:2181,h2:2181/services/users", and
// the credentials for it, which a target never has.
// Thread-safe; ReadZookeeperCredentials() reads a file and the environment.
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

  // `authority`: 1 to 32 servers, "host", "host:port" or "[v6]:port", with
  // commas; the port is 2181 where there is none.  `path`: of the node.
  // INVALID_ARGUMENT says what is wrong, without the text of an authority that
  // may hold credentials.
  static absl::StatusOr<ZookeeperTarget> Parse(absl::string_view authority,
                                               absl::string_view path);

  // "users" of "/services/users".
  absl::string_view service() const;
  std::string ToString() const;  // "zookeeper://h1:2181/services/users".
};

// INVALID_ARGUMENT unless `name` can be the last part of a node's path.
absl::Status CheckZookeeperName(absl::string_view name);

// "user:password" for the scheme `digest`; "" when there is none: from `file`,
// or, when that is "", from the file that the environment variable
// MULTI_BACKEND_ZOOKEEPER_AUTH_FILE names, or else from the variable
// MULTI_BACKEND_ZOOKEEPER_AUTH.  No error text shows any of it.
absl::StatusOr<std::string> ReadZookeeperCredentials(const std::string& file);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_TARGET_H_
