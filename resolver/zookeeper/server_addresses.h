// The addresses of the servers of a ZooKeeper ensemble.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_SERVER_ADDRESSES_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_SERVER_ADDRESSES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// Resolves the host names in `servers` ("host:port,host:port") and returns
// all their addresses in the form that libzookeeper takes, which has no
// brackets: "10.0.0.1:2181,::1:2181".  A name that has no address is left out;
// UNAVAILABLE when none has.  Blocks.
//
// libzookeeper gets addresses only: it resolves names again and again, and
// waits without end when a name has no address.
absl::StatusOr<std::string> ZookeeperServerAddresses(absl::string_view servers);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_SERVER_ADDRESSES_H_
