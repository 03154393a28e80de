// DiscoveryStore: a store that lists backends, started on this machine for the
// demonstration.  There is one for each source that multi_backend can follow.
//
// Not thread-safe.
#ifndef MULTI_BACKEND_EXAMPLES_DISCOVERY_STORE_H_
#define MULTI_BACKEND_EXAMPLES_DISCOVERY_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace examples {

class DiscoveryStore {
 public:
  // Says how to install the server for `source`; "" if it is installed.
  static std::string HowToInstall(absl::string_view source);
  // `source` is "file", "dns", "zookeeper" or "etcd".  Requires that its server
  // is installed.
  static absl::StatusOr<std::unique_ptr<DiscoveryStore>> Start(
      absl::string_view source);
  virtual ~DiscoveryStore() = default;

  // The target of a channel that follows this store.
  virtual std::string target() const = 0;
  // Replaces the list; each address is "host:port".
  virtual absl::Status Set(const std::vector<std::string>& addresses) = 0;
  // Makes the store unreachable, and reachable again with the same list.
  virtual void TakeAway() = 0;
  virtual absl::Status BringBack() = 0;
};

}  // namespace examples

#endif  // MULTI_BACKEND_EXAMPLES_DISCOVERY_STORE_H_
